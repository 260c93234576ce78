// Functions as Web IDL has them: with a name and a length, and not to be called with `new`.

const { defineProperty } = Reflect;

export function named(fn, name, length) {
    defineProperty(fn, "name", { value: name, configurable: true });
    defineProperty(fn, "length", { value: length, configurable: true });
    return fn;
}
