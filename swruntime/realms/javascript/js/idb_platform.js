/**
 * What IndexedDB takes from its surroundings, in one place: tasks, events and how they bubble.
 */

import { runMicrotasks, setImmediate } from "./engine.js";
import { defineHandler, fire } from "./events.js";
import { DOMException, ObjectDefineProperty, ReflectApply as apply } from "./primordials.js";

export { defineHandler };
export const EventConstructor = Event;
export const EventTargetConstructor = EventTarget;

export const domException = (name, message) => new DOMException(message, name);

/** Run `task` as a task of its own, after all microtasks. */
export function queueTask(task) {
    setImmediate(task);
}

/**
 * Fire `event` at the first of `path`, from which it bubbles to the others; all microtasks have run when it returns.
 *
 * The engine's dispatch asks a target for its parent as the DOM's nodes have one; ours are that while it asks.
 *
 * @returns {{canceled: boolean, threw: boolean}}
 */
export function fireAlong(path, event) {
    let threw = false;
    let linked = path.length > 1;
    const unlink = () => {
        linked = false;
        for (let at = 0; at < path.length; at++) unlinkOne(path[at]);
    };
    if (linked) {
        const root = path[path.length - 1];
        for (let at = 0; at < path.length; at++) link(path[at], at + 1 < path.length ? path[at + 1] : null, root);
    }
    const around = (call) => {
        if (linked) unlink();
        call();
    };
    try {
        fire(path[0], event, around, () => {
            threw = true;
        });
    } finally {
        if (linked) unlink();
    }
    runMicrotasks();
    return { __proto__: null, canceled: defaultPrevented(event), threw };
}

function link(target, parent, root) {
    ObjectDefineProperty(target, "nodeType", { __proto__: null, value: 1, configurable: true });
    ObjectDefineProperty(target, "parentNode", { __proto__: null, value: parent, configurable: true });
    ObjectDefineProperty(target, "getRootNode", { __proto__: null, value: () => root, configurable: true });
}

function unlinkOne(target) {
    delete target.nodeType;
    delete target.parentNode;
    delete target.getRootNode;
}

const { get: getDefaultPrevented } = Object.getOwnPropertyDescriptor(Event.prototype, "defaultPrevented");
const defaultPrevented = (event) => apply(getDefaultPrevented, event, []);
