/** The environment of the realm's script: what its URLs are relative to, and its origin. */

import { TypeError } from "./primordials.js";
import { URL, URLPrototypeGetHref } from "./platform.js";

let baseURL = "about:blank";
let origin = "null";

/** To be called once, before any script runs. */
export function configure(environment) {
    baseURL = environment.baseURL;
    origin = environment.origin;
}

export const environmentOrigin = () => origin;

/** `url` against the base URL, as an engine's URL. Throws TypeError, which begins with `context`. */
export function parseURL(url, context) {
    try {
        return new URL(url, baseURL);
    } catch {
        throw new TypeError(`${context}: '${url}' does not parse as a URL against '${baseURL}'.`);
    }
}

export const resolveURL = (url, context) => URLPrototypeGetHref(parseURL(url, context));
