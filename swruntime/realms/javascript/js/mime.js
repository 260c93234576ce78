/** MIME types: https://mimesniff.spec.whatwg.org/#understanding-mime-types */

import {
    ArrayPrototypeJoin,
    ArrayPrototypePush,
    matches,
    newList,
    ObjectCreate,
    ObjectKeys,
    StringPrototypeIndexOf,
    StringPrototypeSlice,
    StringPrototypeToLowerCase,
} from "./primordials.js";

/** https://www.rfc-editor.org/rfc/rfc9110#name-tokens; methods and header names are tokens. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const HTTP_SPACE = "\t\n\r ";
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** `text` without the characters of `chars` at its ends. */
export function strip(text, chars) {
    let from = 0;
    while (from < text.length && StringPrototypeIndexOf(chars, text[from]) >= 0) from++;
    return stripEnd(StringPrototypeSlice(text, from), chars);
}

function stripEnd(text, chars) {
    let to = text.length;
    while (to > 0 && StringPrototypeIndexOf(chars, text[to - 1]) >= 0) to--;
    return StringPrototypeSlice(text, 0, to);
}

/**
 * https://mimesniff.spec.whatwg.org/#parse-a-mime-type
 *
 * @returns {{essence: string, parameters: Record<string, string>} | null}
 */
export function parseMimeType(text) {
    // 1-10. The type and the subtype.
    text = strip(text, HTTP_SPACE);
    const slash = StringPrototypeIndexOf(text, "/");
    if (slash < 0) return null;
    const end = indexOrEnd(text, ";", slash);
    const type = StringPrototypeSlice(text, 0, slash);
    const subtype = stripEnd(StringPrototypeSlice(text, slash + 1, end), HTTP_SPACE);
    if (!matches(TOKEN, type) || !matches(TOKEN, subtype)) return null;
    // 11. The parameters.
    const parameters = ObjectCreate(null);
    for (let at = end + 1; at < text.length;) at = parameter(text, at, parameters);
    return { __proto__: null, essence: StringPrototypeToLowerCase(`${type}/${subtype}`), parameters };
}

function indexOrEnd(text, char, from) {
    const at = StringPrototypeIndexOf(text, char, from);
    return at < 0 ? text.length : at;
}

/** Steps 11.2 to 11.10: read the parameter at `at`, and answer where the next one begins. */
function parameter(text, at, parameters) {
    while (at < text.length && StringPrototypeIndexOf(HTTP_SPACE, text[at]) >= 0) at++;
    const semicolon = indexOrEnd(text, ";", at);
    const equals = indexOrEnd(text, "=", at);
    if (semicolon <= equals) return semicolon + 1;
    const name = StringPrototypeToLowerCase(StringPrototypeSlice(text, at, equals));
    let value;
    let end;
    if (text[equals + 1] === '"') {
        const quoted = quotedString(text, equals + 1);
        value = quoted.value;
        end = indexOrEnd(text, ";", quoted.end);
    } else {
        end = indexOrEnd(text, ";", equals);
        value = stripEnd(StringPrototypeSlice(text, equals + 1, end), HTTP_SPACE);
        if (value === "") return end + 1;
    }
    // 11.10. The first one of a name counts.
    if (matches(TOKEN, name) && matches(VALUE, value) && parameters[name] === undefined) {
        parameters[name] = value;
    }
    return end + 1;
}

/** https://fetch.spec.whatwg.org/#collect-an-http-quoted-string: its value, and where it ends. */
export function quotedString(text, at) {
    let value = "";
    for (at++; at < text.length; at++) {
        if (text[at] === '"') return { __proto__: null, value, end: at + 1 };
        if (text[at] === "\\" && at + 1 < text.length) at++; // a backslash at the very end stands for itself
        value += text[at];
    }
    return { __proto__: null, value, end: at };
}

/** https://mimesniff.spec.whatwg.org/#serialize-a-mime-type */
export function serializeMimeType({ essence, parameters }) {
    const parts = newList();
    ArrayPrototypePush(parts, essence);
    const names = ObjectKeys(parameters);
    for (let at = 0; at < names.length; at++) {
        ArrayPrototypePush(parts, `;${names[at]}=${written(parameters[names[at]])}`);
    }
    return ArrayPrototypeJoin(parts, "");
}

function written(value) {
    if (matches(TOKEN, value)) return value;
    let text = '"';
    for (let at = 0; at < value.length; at++) {
        if (value[at] === '"' || value[at] === "\\") text += "\\";
        text += value[at];
    }
    return `${text}"`;
}
