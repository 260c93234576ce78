/**
 * Runs pieces of a script, each a line {body, args} on standard input, and answers each with a line: {value}, or {error,
 * message} where it threw. What a piece may name is in `scope`.
 */

import * as environment from "../../../swruntime/realms/javascript/js/environment.js";
import { makeFetch } from "../../../swruntime/realms/javascript/js/fetch.js";
import { Headers, makeHeaders } from "../../../swruntime/realms/javascript/js/headers.js";
import * as mime from "../../../swruntime/realms/javascript/js/mime.js";
import * as outgoing from "../../../swruntime/realms/javascript/js/outgoing.js";
import * as requests from "../../../swruntime/realms/javascript/js/request.js";
import * as responses from "../../../swruntime/realms/javascript/js/response.js";
import * as webidl from "../../../swruntime/realms/javascript/js/webidl.js";

environment.configure({ baseURL: "https://site.example/app/sw.js", origin: "https://site.example" });

const encoder = new TextEncoder();

/** An object of the runtime's whose body is `pieces`; it notes in `log` what is asked of it. */
function makeRemote(pieces, log = [], handle = 1, at = 0) {
    return {
        handle,
        log,
        async read() {
            log[log.length] = `read ${handle}`;
            const piece = at < pieces.length ? pieces[at++] : null;
            if (piece instanceof Error) throw piece;
            return piece === null ? null : encode(piece);
        },
        cancel() {
            log[log.length] = `cancel ${handle}`;
        },
        clone() {
            return makeRemote(pieces, log, handle + 100, at);
        },
    };
}

const struct = {
    type: "basic",
    url: "https://site.example/x",
    redirected: false,
    status: 200,
    statusText: "OK",
    headers: [["Content-Type", "text/plain"]],
    hasBody: true,
};
const requestStruct = {
    method: "POST",
    url: "https://site.example/x",
    headers: [["X", "1"]],
    mode: "navigate",
    credentials: "include",
    cache: "default",
    redirect: "manual",
    referrer: "about:client",
    referrerPolicy: "",
    integrity: "",
    keepalive: false,
    destination: "document",
    hasBody: true,
};

/** A stream of `pieces`, of which nothing is made before it is asked for. */
function streamOf(pieces, log = []) {
    return new ReadableStream({
        pull(controller) {
            log.push("pull");
            if (pieces.length === 0) return controller.close();
            const piece = pieces.shift();
            if (piece instanceof Error) throw piece;
            controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
        },
        cancel(reason) {
            log.push(`cancelled ${reason}`);
        },
    }, { highWaterMark: 0 });
}

/** What `act` throws or rejects with: its name; "nothing" where it does not. */
async function thrown(act) {
    try {
        await act();
        return "nothing";
    } catch (error) {
        return error?.name ?? error;
    }
}

const array = (bytes) => Array.from(bytes);
const scope = {
    ...{
        array,
        encoder,
        environment,
        Headers,
        makeFetch,
        makeHeaders,
        makeRemote,
        mime,
        outgoing,
        requestStruct,
    },
    ...requests,
    ...responses,
    ...{ streamOf, struct, thrown, webidl },
};

// Captured, because pieces may change every builtin.
const { parse, stringify } = JSON;
const { apply } = Reflect;
const { then } = Promise.prototype;
const AsyncFunction = (async () => {}).constructor;
const { clearTimeout: cancel, setTimeout: later, Promise: P, Object: O } = globalThis;
const names = O.keys(scope);
const values = O.values(scope);
const write = Deno.stdout.writeSync.bind(Deno.stdout);
const encode = encoder.encode.bind(encoder);

const unhandled = [];
addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    unhandled.push(`${event.reason}`);
});

async function run({ body, args }) {
    try {
        const piece = new AsyncFunction(...names, ...O.keys(args), body);
        let alarm;
        const value = await new P((resolve, reject) => {
            alarm = later(() => reject(new Error("it does not end")), 10_000);
            apply(then, piece(...values, ...O.values(args)), [resolve, reject]);
        });
        cancel(alarm);
        await new P((resolve) => later(resolve, 0)); // the engine tells of unhandled rejections by then
        if (unhandled.length > 0) return { error: "unhandled", message: unhandled.splice(0).join() };
        return { value: value === undefined ? null : value };
    } catch (error) {
        return { error: error?.name ?? "no error", message: `${error?.message ?? error}` };
    }
}

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
let rest = "";
for await (const text of lines) {
    rest += text;
    for (let end; (end = rest.indexOf("\n")) >= 0; rest = rest.slice(end + 1)) {
        write(encode(`${stringify(await run(parse(rest.slice(0, end))))}\n`));
    }
}
Deno.exit(0);
