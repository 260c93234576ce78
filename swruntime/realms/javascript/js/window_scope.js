// Window, as far as a page without a document goes: https://html.spec.whatwg.org/multipage/nav-history-apis.html#window

import { defineHandler } from "./events.js";
import { post } from "./calls.js";
import { interfaces, keep } from "./faces.js";
import { attribute, define, makeLocation } from "./scope.js";

const { defineProperty } = Reflect;

export function installWindowScope(global, { url, objects }) {
    class Window extends EventTarget {
        constructor() {
            throw new TypeError("Illegal constructor");
        }
    }
    defineProperty(Window.prototype, Symbol.toStringTag, { value: "Window", configurable: true });
    define(global, "Window", Window);
    Object.setPrototypeOf(global, Window.prototype);
    const { Location, location } = makeLocation("Location", url);
    define(global, "Location", Location);
    attribute(global, "location", function () { return location; });
    for (const name of ["self", "window", "frames", "parent", "top"]) {
        attribute(global, name, { [name]() { return global; } }[name]);
    }
    for (const name of ["caches", "navigator"]) {
        const face = objects[name];
        keep(face);
        attribute(global, name, { [name]() { return face; } }[name]);
    }
    keep(objects.serviceWorker);
    define(global, "close", function close() { post("close", []); }, true);
    for (const type of ["error", "unhandledrejection", "rejectionhandled", "online", "offline", "message", "load"]) {
        defineHandler(global, type);
    }
    for (const name of Object.keys(interfaces)) define(global, name, interfaces[name].constructor);
}
