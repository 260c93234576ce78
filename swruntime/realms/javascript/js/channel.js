// Frames between this process and the runtime. docs of the layout: swruntime/realms/javascript/frames.py
//
// A frame is a task: after it all microtasks run, before the next one does. When the last is done, and nothing that the
// engine does by itself (a digest, a Blob that is read) is under way, the process says that it is idle, and which frame
// was the last that it has seen.

import {
    args, eventLoopHasMoreWork, exit, openSync, readAsync, refOpPromise, revokeSync, runMicrotasks, setImmediate,
    setTimeoutNative, unrefOpPromise, writeSync,
} from "./engine.js";
import { attach, encodeValue } from "./plain_data.js";

const { parse } = JSON;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const { apply, setPrototypeOf } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const encode = ((fn) => (text) => apply(fn, encoder, [text]))(TextEncoder.prototype.encode);
const decode = ((fn) => (bytes) => apply(fn, decoder, [bytes]))(TextDecoder.prototype.decode);
const setBytes = uncurry(Uint8Array.prototype.set);
const subarray = uncurry(Uint8Array.prototype.subarray);
const getUint32 = uncurry(DataView.prototype.getUint32);
const setUint32 = uncurry(DataView.prototype.setUint32);
const then = uncurry(Promise.prototype.then);
const Bytes = Uint8Array;
const View = DataView;
const ProtocolError = Error;

const STDIN = 0;
const STDOUT = 1;
const PIECE = 256 * 1024;
const HEAD = 8;
/** Milliseconds between two signs of life. */
const SIGN = 500;
const now = performance.now.bind(performance);

function writeAll(bytes) {
    let rest = bytes;
    while (rest.byteLength > 0) rest = subarray(rest, writeSync(STDOUT, rest));
}

/** Send a frame. It returns when the pipe has taken it: who floods the runtime waits here. */
export function send(frame) {
    const attachments = [];
    const header = encode(encodeValue(frame, attachments));
    let size = 0;
    for (let i = 0; i < attachments.length; i++) size += attachments[i].byteLength;
    const head = new Bytes(HEAD);
    const view = new View(head.buffer);
    setUint32(view, 0, header.byteLength);
    setUint32(view, 4, size);
    const whole = new Bytes(HEAD + header.byteLength + (size <= PIECE ? size : 0));
    setBytes(whole, head, 0);
    setBytes(whole, header, HEAD);
    if (size <= PIECE) {
        let at = HEAD + header.byteLength;
        for (let i = 0; i < attachments.length; i++) {
            setBytes(whole, attachments[i], at);
            at += attachments[i].byteLength;
        }
        writeAll(whole);
        return;
    }
    writeAll(whole);
    for (let i = 0; i < attachments.length; i++) writeAll(attachments[i]);
}

/** What has arrived of frames that are not whole yet: one buffer for all of them, as long as they are small. */
class Incoming {
    #buffer = new Bytes(2 * PIECE);
    #view = new View(this.#buffer.buffer);
    #begin = 0;
    #end = 0;

    /** Where to put what comes next: `want` bytes or more. */
    room(want) {
        if (this.#buffer.byteLength - this.#end < want) this.#move(want);
        return subarray(this.#buffer, this.#end);
    }

    /** What is there goes to the front; of a larger buffer where there is too much of it. */
    #move(want) {
        const rest = subarray(this.#buffer, this.#begin, this.#end);
        const needed = rest.byteLength + want;
        if (needed > this.#buffer.byteLength) this.#setBuffer(needed * 2);
        setBytes(this.#buffer, rest);
        this.#begin = 0;
        this.#end = rest.byteLength;
    }

    #setBuffer(size) {
        this.#buffer = new Bytes(size);
        this.#view = new View(this.#buffer.buffer);
    }

    filled(count) {
        this.#end += count;
    }

    /** The next whole frame, null where there is none. */
    take() {
        if (this.#end - this.#begin < HEAD) return null;
        const header = this.#begin + HEAD;
        const payload = header + getUint32(this.#view, this.#begin);
        const end = payload + getUint32(this.#view, this.#begin + 4);
        if (this.#end < end) return null;
        const frame = parse(decode(subarray(this.#buffer, header, payload)));
        attach(frame, subarray(this.#buffer, payload, end), { offset: 0 });
        this.#begin = end;
        if (this.#begin === this.#end) {
            this.#begin = this.#end = 0;
            // What a large frame took is not kept.
            if (this.#buffer.byteLength > 2 * PIECE) this.#setBuffer(2 * PIECE);
        }
        return frame;
    }
}

const incoming = new Incoming();
const frames = [];
let handle = () => {};
let reading = null;
let scheduled = false;
let settling = false;
let received = 0;
let idleAt = -1;
let lastSign = 0;

function read() {
    reading = readAsync(STDIN, incoming.room(PIECE));
    then(reading, (count) => {
        if (!count) exit(0);
        incoming.filled(count);
        for (let frame = incoming.take(); frame !== null; frame = incoming.take()) {
            frames[frames.length] = frame;
            received++;
        }
        read();
        if (!scheduled && frames.length > 0) {
            scheduled = true;
            // Out of the microtasks: a checkpoint inside of a checkpoint runs nothing.
            setImmediate(drain);
        }
    }, () => exit(0));
}

function drain() {
    scheduled = false;
    let next = 0;
    while (next < frames.length) {
        handle(frames[next++]);
        runMicrotasks();
    }
    frames.length = 0;
    settleSoon();
}

/** Say that the process is idle, once nothing is under way. What was rejected unseen is told before. */
function settleSoon() {
    if (settling) return;
    settling = true;
    setImmediate(settle);
}

function settle() {
    settling = false;
    if (scheduled) {
        giveSign();
        return;
    }
    unrefOpPromise(reading);
    const busy = eventLoopHasMoreWork();
    refOpPromise(reading);
    if (busy) {
        settling = true;
        giveSign();
        // Out of the timer: while it runs, it is work by itself.
        setTimeoutNative(() => setImmediate(settle), 1);
    } else if (idleAt !== received) {
        idleAt = received;
        lastSign = now();
        send({ t: "idle", seen: received });
    }
}

/** Now and then, of a process that gives way and is never idle: that it does. */
function giveSign() {
    if (now() - lastSign < SIGN) return;
    lastSign = now();
    send({ t: "alive" });
}

let answers = null;

/** Opens the pipe on which answers to `ask` come; no other file can be opened from then on. */
export function openAnswers() {
    const path = args[0];
    answers = openSync(path, { read: true });
    revokeSync({ name: "read", path });
}

function readExactly(count) {
    const bytes = new Bytes(count);
    let at = 0;
    while (at < count) {
        const got = answers.readSync(subarray(bytes, at));
        if (!got) exit(0);
        at += got;
    }
    return bytes;
}

/** Ask the runtime, and wait for the answer without giving way: `importScripts` is synchronous. */
export function ask(op, args, at) {
    send({ t: "ask", op, args, at });
    const view = new View(readExactly(HEAD).buffer);
    const header = parse(decode(readExactly(getUint32(view, 0))));
    const answer = attach(header, readExactly(getUint32(view, 4)), { offset: 0 });
    // Without a prototype: what it has not got must not be asked of an accessor that a script has put there.
    setPrototypeOf(answer, null);
    return { __proto__: null, error: answer.error, value: answer.value };
}

/** Begin to read frames; each is handed to `handler`. */
export function start(handler) {
    handle = (frame) => {
        try {
            handler(frame);
        } catch (error) {
            send({ t: "broken", text: `${(error && error.stack) || error}` });
            throw new ProtocolError("the runtime's own code failed");
        }
    };
    read();
}
