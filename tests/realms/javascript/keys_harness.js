// A line of keys, written as test_javascript_indexeddb_keys.py says, is answered with a line: each key's bytes, and the key
// written again from its bytes.

import { decodeKey, encodeKey } from "../../../swruntime/realms/javascript/js/keys.js";

const double = new DataView(new ArrayBuffer(8));

function read([kind, value]) {
    if (kind === "array") return value.map(read);
    if (kind === "string") return String.fromCharCode(...value);
    if (kind === "binary") return new Uint8Array(value).buffer;
    double.setBigUint64(0, BigInt(`0x${value}`));
    return kind === "number" ? double.getFloat64(0) : new Date(double.getFloat64(0));
}

function written(key) {
    if (Array.isArray(key)) return ["array", key.map(written)];
    if (typeof key === "string") return ["string", [...Array(key.length).keys()].map((at) => key.charCodeAt(at))];
    if (key instanceof ArrayBuffer) return ["binary", [...new Uint8Array(key)]];
    double.setFloat64(0, Number(key));
    return [typeof key === "number" ? "number" : "date", double.getBigUint64(0).toString(16).padStart(16, "0")];
}

let rest = "";
for await (const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const line of lines) {
        const encoded = JSON.parse(line).map((key) => encodeKey(read(key)));
        const answer = encoded.map((bytes) => [bytes.toHex(), written(decodeKey(bytes))]);
        Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
    }
}
