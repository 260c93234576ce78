// Window, as far as a page without a document goes: https://html.spec.whatwg.org/multipage/nav-history-apis.html#window

import { neverNavigates, tellingAbsent } from "./absent.js";
import { defineHandler } from "./events.js";
import { post } from "./calls.js";
import { keep } from "./faces.js";
import { makeLocation } from "./location.js";
import { setNavigator } from "./platform_faces.js";
import { attribute, define, exposeFaces, onlyGlobal, operations } from "./scope.js";
import { illegalConstructor } from "./webidl.js";

const { defineProperty, setPrototypeOf } = Reflect;

export function installWindowScope(global, { url, objects }) {
    class Window extends EventTarget {
        constructor() {
            illegalConstructor();
            super();
        }
    }
    defineProperty(Window.prototype, Symbol.toStringTag, { value: "Window", configurable: true });
    const properties = Object.create(EventTarget.prototype, {
        [Symbol.toStringTag]: { value: "WindowProperties", configurable: true },
    });
    setPrototypeOf(Window.prototype, tellingAbsent(properties));
    define(global, "Window", Window);
    setPrototypeOf(global, Window.prototype);
    const { Location, location } = makeLocation("Location", url);
    define(global, "Location", Location);
    attribute(global, "location", () => location, { set: () => neverNavigates("Window.location") });
    for (const name of ["window", "top"]) attribute(global, name, () => global);
    for (const name of ["self", "frames", "parent"]) attribute(global, name, () => global, { replaceable: true });
    for (const name of ["caches", "navigator"]) {
        const face = objects[name];
        keep(face);
        attribute(global, name, () => face);
    }
    setNavigator(objects.navigator);
    keep(objects.serviceWorker);
    operations(global, {
        close() {
            post("close", []);
        },
    });
    for (const type of ["error", "unhandledrejection", "rejectionhandled", "online", "offline", "message", "load"]) {
        defineHandler(global, type, onlyGlobal);
    }
    exposeFaces(global);
}
