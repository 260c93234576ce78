// Location of a page, WorkerLocation of a worker: https://html.spec.whatwg.org/multipage/nav-history-apis.html#location
//
// A page of ours never navigates: what would, says so.

import { neverNavigates } from "./absent.js";
import { illegalConstructor, isObject } from "./webidl.js";

const { defineProperty } = Reflect;
const { create, getOwnPropertyDescriptors } = Object;
const NativeTypeError = TypeError;

const PARTS = ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"];

/** `name` is "Location" or "WorkerLocation". */
export function makeLocation(name, url) {
    const parsed = new URL(url);
    const location = { __proto__: null };
    const Location = { [name]: class { constructor() { illegalConstructor(); } } }[name];
    const { prototype } = Location;
    const own = create(prototype);
    const check = (self) => {
        if (!isObject(self) || self !== own) throw new NativeTypeError("Illegal invocation");
    };
    const isPage = name === "Location";
    for (const part of PARTS) {
        location[part] = parsed[part];
        const accessors = getOwnPropertyDescriptors({
            get [part]() {
                check(this);
                return location[part];
            },
            set [part](value) {
                check(this);
                neverNavigates(`Location.${part}`);
            },
        })[part];
        // [LegacyUnforgeable] members of a page's are its own. A worker's are read-only.
        const set = isPage && part !== "origin" ? accessors.set : undefined;
        defineProperty(isPage ? own : prototype, part, { ...accessors, set, enumerable: true, configurable: !isPage });
    }
    const methods = getOwnPropertyDescriptors({
        toString() {
            check(this);
            return location.href;
        },
        ...(isPage && {
            assign(url) {
                check(this);
                neverNavigates("Location.assign");
            },
            replace(url) {
                check(this);
                neverNavigates("Location.replace");
            },
            reload() {
                check(this);
                neverNavigates("Location.reload");
            },
        }),
    });
    for (const key of Object.keys(methods)) {
        defineProperty(isPage ? own : prototype, key, { ...methods[key], writable: !isPage, configurable: !isPage });
    }
    defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
    return { Location, location: own };
}
