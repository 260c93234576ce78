// Which event a script handles. It follows the script through its awaits, as the engine's asynchronous contexts do.

import { AsyncVariable, setAsyncContext } from "./engine.js";

const variable = new AsyncVariable();

/** The number of the event that is handled now, null where none is. */
export function currentEvent() {
    return variable.get() ?? null;
}

/** Call `fn` as the handler of event `number`: what it begins, now or after an await, it begins while it handles that. */
export function handling(number, fn) {
    const previous = variable.enter(number);
    try {
        return fn();
    } finally {
        setAsyncContext(previous);
    }
}
