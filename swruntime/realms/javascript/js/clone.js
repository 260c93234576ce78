/**
 * Structured clone: between values of JavaScript's and the form that swruntime/realms/javascript/messages.py describes.
 *
 * https://html.spec.whatwg.org/multipage/structured-data.html#safe-passing-of-structured-data
 */

import { configureKinds } from "./clone_kinds.js";
import { configureSerializer } from "./clone_serialize.js";

export { deserialize } from "./clone_deserialize.js";
export { serialize } from "./clone_serialize.js";

/**
 * @param {object} tells each a question about an object: `isPort`, whether it can be transferred; `isDetached`, of a
 *   port; `isPlatformObject`, whether it is one of this runtime's own, none of which can be cloned
 */
export function configure({ isPort, isDetached, isPlatformObject }) {
    configureSerializer(isPort, isDetached);
    configureKinds(isPlatformObject);
}
