/**
 * A form of multipart/form-data, read as browsers read it: with their percent escapes in names, and refusing what they
 * refuse. https://andreubotella.github.io/multipart-form-data/#multipart-form-data-parser
 *
 * The engine's parser takes what is cut short, and leaves the escapes. The same parser is in Python in
 * `swruntime.algorithms.forms`, and a test compares them.
 */

import {
    ArrayPrototypeJoin,
    iterable,
    matches,
    StringFromCharCode,
    StringPrototypeCharCodeAt,
    StringPrototypeSplit,
    StringPrototypeToLowerCase,
    subarray,
    TypedArrayPrototypeGetByteLength,
    TypedArrayPrototypeIndexOf,
    TypeError,
    utf8DecodeKeepingMark,
    utf8Encode,
} from "./primordials.js";
import { File, FormData, FormDataPrototypeAppend } from "./platform.js";
import { strip, TOKEN } from "./mime.js";

const ASCII = /^\p{ASCII}*$/u;
const LF = 10;
const CR = 13;
const QUOTE = 34;
const COLON = 58;

/** A FormData. Throws TypeError, saying where, for what is no such form. */
export function parseMultipart(bytes, boundary) {
    const form = new FormData();
    const parser = new Parser(bytes, utf8Encode(`--${boundary}`));
    for (let part; (part = parser.part()) !== null;) {
        const { name, filename, type, body } = part;
        if (filename === null) {
            FormDataPrototypeAppend(form, name, utf8DecodeKeepingMark(body));
        } else {
            const file = new File(iterable([body]), filename, {
                __proto__: null,
                type: matches(ASCII, type) ? type : "",
            });
            FormDataPrototypeAppend(form, name, file);
        }
    }
    return form;
}

class Parser {
    #bytes;
    #size;
    #delimiter;
    #at = 0;

    constructor(bytes, delimiter) {
        this.#bytes = bytes;
        this.#size = TypedArrayPrototypeGetByteLength(bytes);
        this.#delimiter = delimiter;
    }

    /** The next part, null after the last one. */
    part() {
        // 1-3. The delimiter; after the last one nothing but an end of line.
        if (!this.#skipBytes(this.#delimiter)) this.#fail("the boundary");
        const left = this.#size - this.#at;
        if ((left === 2 && this.#skip("--")) || (left === 4 && this.#skip("--\r\n"))) return null;
        this.#expect("\r\n", "an end of line after the boundary");
        const part = this.#headers();
        part.body = this.#body();
        return part;
    }

    /** https://andreubotella.github.io/multipart-form-data/#parse-multipart-form-data-headers */
    #headers() {
        const part = { __proto__: null, name: null, filename: null, type: "text/plain", body: null };
        while (!this.#skip("\r\n")) {
            const header = strip(this.#collect(CR, LF, COLON), "\t ");
            if (!matches(TOKEN, header)) this.#fail("the name of a header");
            this.#expect(":", "a colon after the name of a header");
            while (this.#skip(" ") || this.#skip("\t"));
            const name = StringPrototypeToLowerCase(header);
            if (name === "content-disposition") {
                this.#expect('form-data; name="', 'form-data; name="..."');
                part.name = this.#name();
                part.filename = this.#skip('; filename="') ? this.#name() : null;
            } else {
                const value = strip(this.#collect(CR, LF), "\t ");
                if (name === "content-type") part.type = value;
            }
            this.#expect("\r\n", "the end of a header");
        }
        if (part.name === null) this.#fail("a Content-Disposition before the empty line");
        return part;
    }

    /** https://andreubotella.github.io/multipart-form-data/#parse-a-multipart-form-data-name */
    #name() {
        const from = this.#at;
        this.#collect(CR, LF, QUOTE);
        const text = utf8DecodeKeepingMark(subarray(this.#bytes, from, this.#at));
        this.#expect('"', "the quote that ends a name");
        return replaced(replaced(replaced(text, "%0A", "\n"), "%0D", "\r"), "%22", '"');
    }

    #body() {
        const from = this.#at;
        for (let at = from; (at = TypedArrayPrototypeIndexOf(this.#bytes, CR, at)) >= 0; at++) {
            this.#at = at;
            if (!this.#skip("\r\n")) continue;
            const next = this.#at;
            if (!this.#skipBytes(this.#delimiter)) continue;
            this.#at = next;
            return subarray(this.#bytes, from, at);
        }
        throw new TypeError(`The form's part at byte ${from} does not end: the boundary is missing.`);
    }

    #skipBytes(expected) {
        const size = TypedArrayPrototypeGetByteLength(expected);
        for (let at = 0; at < size; at++) {
            if (this.#bytes[this.#at + at] !== expected[at]) return false;
        }
        this.#at += size;
        return true;
    }

    #skip(expected) {
        for (let at = 0; at < expected.length; at++) {
            if (this.#bytes[this.#at + at] !== StringPrototypeCharCodeAt(expected, at)) return false;
        }
        this.#at += expected.length;
        return true;
    }

    #expect(expected, what) {
        if (!this.#skip(expected)) this.#fail(what);
    }

    /** What comes before any of these bytes, a character for a byte. */
    #collect(first, second, third = first) {
        let text = "";
        for (; this.#at < this.#size; this.#at++) {
            const byte = this.#bytes[this.#at];
            if (byte === first || byte === second || byte === third) break;
            text += StringFromCharCode(byte);
        }
        return text;
    }

    #fail(what) {
        throw new TypeError(`The body is not multipart/form-data: at byte ${this.#at}, expected ${what}.`);
    }
}

const replaced = (text, old, by) => ArrayPrototypeJoin(StringPrototypeSplit(text, old), by);
