// Runs cases against js/indexeddb.js. Lines of JSON on standard input and output; bytes are {"$b": base64}.

import { createFactory } from "../../../swruntime/realms/javascript/js/indexeddb.js";
import * as all from "../../../swruntime/realms/javascript/js/indexeddb.js";
import { configure } from "../../../swruntime/realms/javascript/js/clone.js";
import { onUncaught } from "../../../swruntime/realms/javascript/js/events.js";
import { compareKeys, decodeKey, encodeKey } from "../../../swruntime/realms/javascript/js/keys.js";
import { isOfInterface } from "../../../swruntime/realms/javascript/js/webidl.js";
import { serialize } from "../../../swruntime/realms/javascript/js/engine.js";
import { deserializeStored } from "../../../swruntime/realms/javascript/js/stored_values.js";

onUncaught(() => {});
configure({ isPort: () => false, isDetached: () => false, isPlatformObject: isOfInterface });
const write = (value) => Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value, pack)}\n`));
const pack = (_, value) => (value instanceof Uint8Array ? { $b: value.toBase64() } : value);
const unpack = (_, value) => (value !== null && typeof value === "object" && "$b" in value ? Uint8Array.fromBase64(value.$b) : value);

// Cases change builtins: no methods of maps in here.
const waiting = { __proto__: null };
let last = 0;
const realms = { __proto__: null };

function realm(number) {
    if (!(number in realms)) {
        const call = (op, args) => {
            const id = ++last;
            write({ realm: number, id, op, args });
            return new Promise((resolve, reject) => {
                waiting[id] = { resolve, reject };
            });
        };
        realms[number] = createFactory({ call });
    }
    return realms[number];
}

const of = (request) =>
    new Promise((resolve, reject) => {
        request.addEventListener("success", () => resolve(request.result));
        request.addEventListener("error", () => reject(request.error));
    });
const end = (transaction) =>
    new Promise((resolve) => {
        transaction.addEventListener("complete", () => resolve("complete"));
        transaction.addEventListener("abort", () => resolve(`abort ${transaction.error?.name ?? null}`));
    });
const name = (action) => {
    try {
        action();
        return "nothing thrown";
    } catch (error) {
        return error.name;
    }
};
const open = (factory, title, version, upgrade = () => {}) => {
    const request = factory.open(title, version);
    request.addEventListener("upgradeneeded", (event) => upgrade(request.result, request.transaction, event));
    return of(request);
};
const tasks = async (count = 3) => {
    for (let at = 0; at < count; at++) await new Promise((resolve) => setTimeout(resolve, 1));
};

async function run({ title, script }) {
    const { indexedDB } = realm(0);
    const AsyncFunction = (async () => {}).constructor;
    const scope = { ...all, serialize, deserializeStored, indexedDB, realm: (n) => realm(n).indexedDB, of, end, name, tasks, title, compareKeys, decodeKey, encodeKey,
        open: (version, upgrade) => open(indexedDB, title, version, upgrade), openIn: open,
        kill: (n) => write({ kill: n }) };
    try {
        const value = await new AsyncFunction(...Object.keys(scope), script)(...Object.values(scope));
        write({ title, value: value === undefined ? null : value });
    } catch (error) {
        write({ title, error: `${error?.name}: ${error?.message}\n${error?.stack}` });
    }
}

let rest = "";
for await (const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const line of lines) {
        const message = JSON.parse(line, unpack);
        if (message.script !== undefined) run(message);
        else if (message.tell !== undefined) realm(message.realm).tell(message.tell);
        else {
            const { resolve, reject } = waiting[message.id];
            if (message.error) reject(new DOMException(message.error.message, message.error.name));
            else resolve(message.value);
        }
    }
}
