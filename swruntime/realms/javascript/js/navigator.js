// Navigator of a page, WorkerNavigator of a worker: https://html.spec.whatwg.org/multipage/workers.html#the-workernavigator-object

import { checked, defineFace, interfaces } from "./faces.js";
import { named } from "./functions.js";

const { defineProperty } = Reflect;

/** Both are faces of the runtime's "Navigator". */
export function defineNavigator(isWorker) {
    const name = isWorker ? "WorkerNavigator" : "Navigator";
    const constants = { language: "en", languages: Object.freeze(["en"]), hardwareConcurrency: 1 };
    const constructor = defineFace("Navigator", {
        tellsAbsent: true,
        attributes: ["onLine", "userAgent", "permissions", "storage", ...(isWorker ? [] : ["serviceWorker"])],
    });
    for (const member of Object.keys(constants)) {
        const { get } = { get() {
            checked(this, "Navigator");
            return constants[member];
        } };
        defineProperty(constructor.prototype, member, {
            get: named(get, `get ${member}`, 0), set: undefined, enumerable: true, configurable: true,
        });
    }
    defineProperty(constructor, "name", { value: name, configurable: true });
    defineProperty(constructor.prototype, Symbol.toStringTag, { value: name, configurable: true });
    interfaces.Navigator.exposedAs = name;
}
