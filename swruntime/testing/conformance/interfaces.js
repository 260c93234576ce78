// Hold the interfaces of a JavaScript realm against the Web IDL: https://webidl.spec.whatwg.org/#js-interfaces
//
// An expression: a function of the definitions, and of what `Exposed` calls the realm ("Window" or "ServiceWorker").
// A promise of what is wrong, one line each. What has [NotImplemented] there may be there all the same, from the engine; a
// member must be there, and be what the IDL says until it is used: then it says that it is not implemented.

(async function report(definitions, realm) {
    const problems = [];
    const { getOwnPropertyDescriptor: own, getPrototypeOf } = Object;
    const isObject = (value) => value !== null && typeof value === "object";

    const isExposed = (kinds) =>
        kinds.some((each) => each === "*" || each === realm || (each === "Worker" && realm === "ServiceWorker"));

    function errorOf(call) {
        try {
            const value = call();
            return [null, value];
        } catch (error) {
            return [error, undefined];
        }
    }

    function flags(tell, descriptor, expected) {
        for (const flag of Object.keys(expected)) {
            if (descriptor[flag] !== expected[flag]) tell(`is ${expected[flag] ? "not " : ""}${flag}`);
        }
    }

    function functionIs(tell, fn, name, length) {
        if (fn.name !== name) tell(`has the name ${JSON.stringify(fn.name)}`);
        if (fn.length !== length) tell(`has the length ${fn.length}, where the IDL has ${length}`);
        if (Object.hasOwn(fn, "prototype")) tell("can be constructed");
    }

    /** Of a wrong `this`: an exception, or a promise that rejects with one. */
    async function wrongThis(tell, call, promise) {
        const [error, value] = errorOf(call);
        if (!promise) {
            if (value instanceof Promise) {
                tell("answers with a promise");
                value.catch(() => {});
            } else if (error === null) tell("takes any this");
            else if (!(error instanceof TypeError)) tell(`throws ${error} of a wrong this`);
        } else if (error !== null) {
            tell("throws, where it should reject");
        } else if (!(value instanceof Promise)) {
            tell("answers with no promise");
        } else {
            await value.then(
                () => tell("takes any this"),
                (reason) => {
                    if (!(reason instanceof TypeError)) tell(`rejects with ${reason} of a wrong this`);
                },
            );
        }
    }

    async function attribute(tell, member, descriptor) {
        if (typeof descriptor.get !== "function") {
            tell("is no attribute");
            return;
        }
        flags(tell, descriptor, { enumerable: true, configurable: true });
        functionIs(tell, descriptor.get, `get ${member.name}`, 0);
        if (member.readonly && descriptor.set !== undefined) tell("is not read-only");
        if (!member.readonly && descriptor.set === undefined) tell("is read-only");
        else if (!member.readonly) functionIs(tell, descriptor.set, `set ${member.name}`, 1);
        if (!member.static) await wrongThis(tell, () => Reflect.apply(descriptor.get, {}, []), member.promise);
    }

    async function method(tell, member, descriptor) {
        const { value } = descriptor;
        if (typeof value !== "function") {
            tell("is not a method");
            return;
        }
        flags(tell, descriptor, { enumerable: true, configurable: true, writable: true });
        functionIs(tell, value, member.name, member.required);
        if (member.static) {
            if (member.required > 0) await tooFew(tell, () => value.call(undefined), member.promise);
            return;
        }
        const given = Array(member.required).fill(undefined);
        await wrongThis(tell, () => Reflect.apply(value, {}, given), member.promise);
    }

    async function tooFew(tell, call, promise) {
        const [error, value] = errorOf(call);
        if (promise ? error !== null || !(value instanceof Promise) : !(error instanceof TypeError)) {
            tell("takes too few arguments");
        } else if (promise) {
            await value.then(() => tell("takes too few arguments"), () => {});
        }
    }

    function iterable(tell, prototype) {
        for (const name of ["entries", "forEach", "keys", "values"]) {
            const descriptor = own(prototype, name);
            if (typeof descriptor?.value !== "function") {
                tell(`is not there: it has no ${name}`);
                continue;
            }
            flags(tell, descriptor, { enumerable: true, configurable: true, writable: true });
            functionIs(tell, descriptor.value, name, name === "forEach" ? 1 : 0);
        }
        const descriptor = own(prototype, Symbol.iterator);
        if (descriptor === undefined || descriptor.value !== prototype.entries) tell("is not there: Symbol.iterator is not entries");
        else flags(tell, descriptor, { enumerable: false, configurable: true, writable: true });
    }

    function stringifier(tell, prototype) {
        const descriptor = own(prototype, "toString");
        if (typeof descriptor?.value !== "function") {
            tell("is not there: it has no toString");
            return;
        }
        flags(tell, descriptor, { enumerable: true, configurable: true, writable: true });
        functionIs(tell, descriptor.value, "toString", 0);
    }

    function constructor(tell, definition, interfaceObject) {
        const member = definition.members.find((each) => each.kind === "constructor");
        const [called] = errorOf(() => interfaceObject());
        if (!(called instanceof TypeError)) tell("can be called without new");
        if (member === undefined) {
            const [error] = errorOf(() => new interfaceObject());
            if (!(error instanceof TypeError)) tell("can be constructed");
            else if (!/illegal constructor/i.test(error.message)) tell(`says ${JSON.stringify(error.message)} when it is constructed`);
        } else {
            if (interfaceObject.length !== member.required) {
                tell(`has the length ${interfaceObject.length}, where the IDL has ${member.required}`);
            }
            const [error] = errorOf(() => new interfaceObject());
            if (member.required === 0) {
                if (error !== null) tell(`cannot be constructed: ${error}`);
            } else {
                if (!(error instanceof TypeError)) tell("is constructed with too few arguments");
            }
        }
    }

    function chain(tell, definition, interfaceObject) {
        const { prototype } = interfaceObject;
        const base = definition.inherits === null ? undefined : self[definition.inherits];
        if (definition.inherits !== null && typeof base !== "function") tell(`is no ${definition.inherits}, which is not there`);
        if (getPrototypeOf(prototype) !== (base?.prototype ?? Object.prototype)) {
            tell(`is no ${definition.inherits ?? "interface without a parent"}: that is not the prototype of its prototype`);
        }
        if (getPrototypeOf(interfaceObject) !== (base ?? Function.prototype)) tell("has another prototype than the IDL's");
        if (prototype.constructor !== interfaceObject) tell("has a prototype with another constructor");
        flags(tell, own(prototype, "constructor"), { writable: true, enumerable: false, configurable: true });
        flags(tell, own(interfaceObject, "prototype"), { writable: false, enumerable: false, configurable: false });
        const tag = own(prototype, Symbol.toStringTag);
        if (tag?.value !== definition.name) tell(`has the Symbol.toStringTag ${String(tag?.value)}`);
        else flags(tell, tag, { writable: false, enumerable: false, configurable: true });
        if (interfaceObject.name !== definition.name) tell(`has the name ${interfaceObject.name}`);
    }

    /** Objects of some interfaces, where a realm has them without asking anybody. */
    function* instances() {
        for (const global of ["registration", "serviceWorker", "clients", "caches"]) if (isObject(self[global])) yield self[global];
        if ("serviceWorker" in navigator) yield navigator.serviceWorker;
        const make = {
            AbortController: (C) => new C().signal,
            MessageChannel: (C) => new C().port1,
            BroadcastChannel: (C) => new C("of the conformance checks"),
        };
        for (const name of Object.keys(make)) {
            const [error, made] = errorOf(() => make[name](self[name]));
            if (error === null) yield made;
        }
        yield self;
    }

    function eventHandlers(objects) {
        for (const object of objects) {
            for (const { name, members } of definitions.interfaces) {
                const isGlobal = definitions.interfaces.find((each) => each.name === name).global;
                if (typeof self[name] !== "function" || !(isGlobal ? object === self : object instanceof self[name])) continue;
                for (const member of members) {
                    if (member.type === "EventHandler" && member.implemented) {
                        eventHandler((text) => problems.push(`${name}.${member.name} ${text}`), object, member.name);
                    }
                }
            }
            if (typeof BroadcastChannel === "function" && object instanceof BroadcastChannel) object.close();
        }
    }

    function eventHandler(tell, object, name) {
        if (object[name] !== null) tell("is not null at first");
        for (const [given, kept] of [[eventHandler, eventHandler], [5, null], [eventHandler, eventHandler], [null, null]]) {
            object[name] = given;
            if (object[name] !== kept) tell(`is ${String(object[name])} after it was set to ${String(given)}`);
        }
    }

    async function members(definition, interfaceObject) {
        const { prototype } = interfaceObject;
        for (const member of definition.members) {
            const tell = (text) => problems.push(`${definition.name}.${member.name} ${text}`);
            if (member.kind === "constructor") continue;
            if (member.kind === "iterable") {
                iterable(tell, prototype);
                continue;
            }
            if (member.kind === "stringifier") {
                stringifier(tell, prototype);
                continue;
            }
            const holder = member.static ? interfaceObject : definition.global ? self : prototype;
            const descriptor = own(holder, member.name);
            if (member.exposed.length > 0 && !isExposed(member.exposed)) {
                if (descriptor !== undefined) tell(`is in the scope of ${realm}`);
            } else if (descriptor === undefined) {
                tell(`is not there: ${definition.name} has no ${member.name}`);
            } else {
                await (member.kind === "attribute" ? attribute : method)(tell, member, descriptor);
            }
        }
    }

    for (const definition of definitions.interfaces) {
        const { name, exposed } = definition;
        const tell = (text) => problems.push(`${name} ${text}`);
        const descriptor = own(self, name);
        if (exposed.length > 0) {
            const should = isExposed(exposed);
            if (should !== (descriptor !== undefined) && (definition.implemented || !should)) {
                tell(`is ${should ? "not " : ""}in the scope of ${realm}`);
            }
        }
        if (descriptor === undefined) continue;
        flags(tell, descriptor, { writable: true, enumerable: false, configurable: true });
        if (typeof descriptor.value !== "function") {
            tell("is no interface");
            continue;
        }
        chain(tell, definition, descriptor.value);
        // What is not implemented has no members there, and so no constructor that could be looked at.
        if (definition.implemented) constructor(tell, definition, descriptor.value);
        await members(definition, descriptor.value);
    }
    eventHandlers(instances());
    return problems;
})
