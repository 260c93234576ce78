// Frames between this process and the runtime. docs of the layout: swruntime/realms/javascript/frames.py
//
// A frame is a task: after it all microtasks run, before the next one does. When the last is done, and nothing that the
// engine does by itself (a digest, a Blob that is read) is under way, the process says that it is idle, and which frame
// was the last that it has seen.

import {
    args, eventLoopHasMoreWork, exit, openSync, readAsync, refOpPromise, revokeSync, runMicrotasks, setImmediate,
    setTimeoutNative, unrefOpPromise, writeSync,
} from "./engine.js";
import { collectIfMany } from "./garbage.js";
import { attach, encodeValue } from "./plain_data.js";
import {
    ArrayPrototypeJoin as join, DataView, DataViewPrototypeGetUint32 as getUint32,
    DataViewPrototypeSetUint32 as setUint32, Error as ProtocolError, JSONParse as parse, newList,
    PromisePrototypeThen as then, StringPrototypeSlice as slice, StringPrototypeSplit as split, subarray,
    TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength as sizeOf, TypedArrayPrototypeSet as setBytes,
    Uint8Array as Bytes, utf8Decode as decode, utf8Encode as encode,
} from "./primordials.js";

const STDIN = 0;
const STDOUT = 1;
const PIECE = 256 * 1024;
const HEAD = 8;
/** Milliseconds between two signs of life. */
const SIGN = 500;
const now = performance.now.bind(performance);

function writeAll(bytes) {
    const size = sizeOf(bytes);
    for (let at = 0; at < size;) at += writeSync(STDOUT, subarray(bytes, at, size));
}

/** Frames that go with the next one, in one write, and at the latest before the process says that it is idle. */
let waiting = newList();
let waitingSize = 0;

/** Send a frame that nobody hurries for: a step in an event's life, or an object that is let go of. */
export function sendSoon(frame) {
    const header = encode(encodeValue(frame, newList()));
    const whole = new Bytes(HEAD + sizeOf(header));
    setUint32(viewOf(whole), 0, sizeOf(header));
    setBytes(whole, header, HEAD);
    waiting[waiting.length] = whole;
    waitingSize += sizeOf(whole);
    if (waitingSize > PIECE) writeWaiting();
    settleSoon();
}

function writeWaiting() {
    if (waitingSize > 0) writeAll(takeWaiting(0));
}

/** The frames that wait, in a buffer that has room for `more` bytes. */
function takeWaiting(more) {
    const all = new Bytes(waitingSize + more);
    let at = 0;
    for (let i = 0; i < waiting.length; i++) {
        setBytes(all, waiting[i], at);
        at += sizeOf(waiting[i]);
    }
    waiting = newList();
    waitingSize = 0;
    return all;
}

/** Send a frame. It returns when the pipe has taken it: who floods the runtime waits here. */
export function send(frame) {
    const attachments = newList();
    const header = encode(encodeValue(frame, attachments));
    let size = 0;
    for (let i = 0; i < attachments.length; i++) size += sizeOf(attachments[i]);
    const head = new Bytes(HEAD);
    const view = viewOf(head);
    setUint32(view, 0, sizeOf(header));
    setUint32(view, 4, size);
    let at = waitingSize;
    const whole = takeWaiting(HEAD + sizeOf(header) + (size <= PIECE ? size : 0));
    setBytes(whole, head, at);
    setBytes(whole, header, at + HEAD);
    if (size <= PIECE) {
        at += HEAD + sizeOf(header);
        for (let i = 0; i < attachments.length; i++) {
            setBytes(whole, attachments[i], at);
            at += sizeOf(attachments[i]);
        }
        writeAll(whole);
        return;
    }
    writeAll(whole);
    for (let i = 0; i < attachments.length; i++) writeAll(attachments[i]);
}

const viewOf = (bytes) => new DataView(TypedArrayPrototypeGetBuffer(bytes));

/** What has arrived of frames that are not whole yet: one buffer for all of them, as long as they are small. */
class Incoming {
    #buffer = new Bytes(2 * PIECE);
    #view = viewOf(this.#buffer);
    #begin = 0;
    #end = 0;

    /** Where to put what comes next: `want` bytes or more. */
    room(want) {
        if (sizeOf(this.#buffer) - this.#end < want) this.#move(want);
        return subarray(this.#buffer, this.#end, sizeOf(this.#buffer));
    }

    /** What is there goes to the front; of a larger buffer where there is too much of it. */
    #move(want) {
        const rest = subarray(this.#buffer, this.#begin, this.#end);
        const needed = sizeOf(rest) + want;
        if (needed > sizeOf(this.#buffer)) this.#setBuffer(needed * 2);
        setBytes(this.#buffer, rest);
        this.#begin = 0;
        this.#end = sizeOf(rest);
    }

    #setBuffer(size) {
        this.#buffer = new Bytes(size);
        this.#view = viewOf(this.#buffer);
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
        attach(frame, subarray(this.#buffer, payload, end), { __proto__: null, offset: 0 });
        this.#begin = end;
        if (this.#begin === this.#end) {
            this.#begin = this.#end = 0;
            // What a large frame took is not kept.
            if (sizeOf(this.#buffer) > 2 * PIECE) this.#setBuffer(2 * PIECE);
        }
        return frame;
    }
}

const incoming = new Incoming();
const frames = newList();
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
        writeWaiting();
        giveSign();
        return;
    }
    unrefOpPromise(reading);
    const busy = eventLoopHasMoreWork();
    refOpPromise(reading);
    if (busy) {
        writeWaiting();
        settling = true;
        giveSign();
        // Out of the timer: while it runs, it is work by itself.
        setTimeoutNative(() => setImmediate(settle), 1);
    } else if (collectIfMany()) {
        // What it finds is told in a task of the engine's, before this process is idle.
        settleSoon();
    } else if (idleAt !== received) {
        idleAt = received;
        lastSign = now();
        send({ t: "idle", seen: received });
    } else {
        writeWaiting();
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
        const got = answers.readSync(subarray(bytes, at, count));
        if (!got) exit(0);
        at += got;
    }
    return bytes;
}

/** Ask the runtime, and wait for the answer without giving way: `importScripts` is synchronous. */
export function ask(op, args, at) {
    send({ t: "ask", op, args, at });
    const view = viewOf(readExactly(HEAD));
    const header = parse(decode(readExactly(getUint32(view, 0))));
    const answer = attach(header, readExactly(getUint32(view, 4)), { __proto__: null, offset: 0 });
    return { __proto__: null, value: answer.value, error: answer.error };
}

/** What our own code threw, and where, in a line. It may be what a script made of it: nothing in it is trusted. */
function brokenText(error) {
    try {
        const lines = split(`${(error && error.stack) || error}`, "\n");
        return slice(join(lines, " "), 0, 500);
    } catch {
        return "something that cannot be written";
    }
}

/** Begin to read frames; each is handed to `handler`. */
export function start(handler) {
    handle = (frame) => {
        try {
            handler(frame);
        } catch (error) {
            send({ t: "broken", text: brokenText(error) });
            throw new ProtocolError("the runtime's own code failed");
        }
    };
    read();
}
