"""IndexedDB as a script has it: what each script returns. All run in one process, each on a database of its own name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realms.javascript.indexeddb_runner import run_cases

THINGS = (
    "const db = await open(1, (db) => { const s = db.createObjectStore('s'); s.createIndex('w', 'w'); }); "
)
WRITE = THINGS + "const tx = db.transaction('s', 'readwrite'); const s = tx.objectStore('s'); "
FILLED = WRITE + "for (const k of [1, 2, 3, 4]) s.put({ w: k % 2 ? 'odd' : 'even', k }, k); "
WALK = (
    "const walk = (request, step) => new Promise((resolve) => { const seen = []; request.onsuccess = () => { "
    "const c = request.result; if (!c) return resolve(seen); seen.push([c.key, c.primaryKey]); step(c, seen); }; }); "
)

CASES: dict[str, tuple[str, Any]] = {
    # Databases
    "versions": (
        """const seen = [];
        const note = (e) => seen.push([e.oldVersion, e.newVersion, e instanceof IDBVersionChangeEvent]);
        (await open(undefined, (db, tx, e) => note(e))).close();
        (await open(5, (db, tx, e) => note(e))).close();
        const db = await open();
        const late = await open(4).catch((e) => e.name);
        return [seen, db.version, db.name, late, (await indexedDB.databases()).filter((d) => d.name === title)];""",
        [[[0, 1, True], [1, 5, True]], 5, "versions", "VersionError", [{"name": "versions", "version": 5}]],
    ),
    "an upgrade that is aborted": (
        """let made;
        const first = await open(1, (db, tx) => { made = db.createObjectStore('s'); tx.abort(); }).catch((e) => e.name);
        const there = (await indexedDB.databases()).some((d) => d.name === title);
        (await open(1, (db) => db.createObjectStore('kept').createIndex('i', 'i'))).close();
        let names;
        const second = await open(2, (db, tx) => {
            db.deleteObjectStore('kept'); const n = db.createObjectStore('new'); n.name = 'newer';
            tx.onabort = () => { names = [[...db.objectStoreNames], db.version]; };
            tx.abort();
        }).catch((e) => e.name);
        const db = await open();
        const kept = db.transaction('kept').objectStore('kept');
        return [first, there, name(() => made.put(1, 1)), second, names, db.version, [...kept.indexNames]];""",
        ["AbortError", False, "InvalidStateError", "AbortError", [["kept"], 1], 1, ["i"]],
    ),
    "a listener that throws aborts the upgrade": (
        """return [await open(1, () => { throw new Error('no'); }).catch((e) => e.name),
        (await indexedDB.databases()).some((d) => d.name === title)];""",
        ["AbortError", False],
    ),
    "closing in an upgrade": (
        "return await open(1, (db) => db.close()).catch((e) => e.name);",
        "AbortError",
    ),
    "versionchange, blocked, success": (
        """const seen = [];
        const db = await open(1);
        const other = await openIn(realm(1), title);
        db.onversionchange = (e) => { seen.push(['one', e.oldVersion, e.newVersion]); db.close(); };
        other.onversionchange = (e) => seen.push(['other', e.oldVersion, e.newVersion]);
        const request = indexedDB.open(title, 2);
        request.onblocked = (e) => { seen.push(['blocked', e.oldVersion, e.newVersion]); other.close(); };
        request.onupgradeneeded = () => seen.push(['upgrade']);
        seen.push([(await of(request)).version]);
        return [...seen.slice(0, 2).sort().reverse(), ...seen.slice(2)];""",
        [["other", 1, 2], ["one", 1, 2], ["blocked", 1, 2], ["upgrade"], [2]],
    ),
    "a realm that is gone blocks nobody, and its transaction is taken back": (
        """const db = await openIn(realm(2), title, 1, (db) => db.createObjectStore('s').put('kept', 1));
        const tx = db.transaction('s', 'readwrite');
        await of(tx.objectStore('s').put('lost', 2));
        kill(2);
        const mine = await open(2);
        return await of(mine.transaction('s').objectStore('s').getAll());""",
        ["kept"],
    ),
    "deleting": (
        """const db = await open(3);
        db.onversionchange = (e) => { if (e.newVersion === null) db.close(); };
        const request = indexedDB.deleteDatabase(title);
        const event = await new Promise((resolve) => { request.onsuccess = resolve; });
        const again = indexedDB.deleteDatabase(title);
        const second = await new Promise((resolve) => { again.onsuccess = resolve; });
        return [event.oldVersion, event.newVersion, request.result === undefined, second.oldVersion,
            (await open()).version];""",
        [3, None, True, 0, 1],
    ),
    "a connection closes when its transactions have ended": (
        WRITE
        + """s.put('v', 1); db.close();
        const refused = name(() => db.transaction('s'));
        const deleted = of(indexedDB.deleteDatabase(title)).then(() => 'deleted');
        const order = [];
        await Promise.all([end(tx).then((r) => order.push(r)), deleted.then((r) => order.push(r))]);
        return [refused, order];""",
        ["InvalidStateError", ["complete", "deleted"]],
    ),
    "arguments of the factory": (
        """return [name(() => indexedDB.open('x', 0)), name(() => indexedDB.open('x', -1)), name(() => indexedDB.open()),
        name(() => new IDBFactory()), indexedDB.cmp(1, 2), indexedDB.cmp([1], 'a'), indexedDB.cmp('b', 'b'),
        name(() => indexedDB.cmp(1, {})), String(indexedDB), IDBFactory.prototype.open.length];""",
        ["TypeError", "TypeError", "TypeError", "TypeError", -1, 1, 0, "DataError", "[object IDBFactory]", 1],
    ),
    # Object stores
    "keys that a generator makes": (
        """const db = await open(1, (db) => {
            db.createObjectStore('in', { keyPath: 'a.b', autoIncrement: true }).createIndex('i', ['a.b', 'n']);
            db.createObjectStore('out', { autoIncrement: true });
        });
        const tx = db.transaction(['in', 'out'], 'readwrite');
        const [a, b] = [tx.objectStore('in'), tx.objectStore('out')];
        const keys = await Promise.all([a.put({ n: 1 }), a.put({ n: 2, a: { b: 5 } }), a.add({ n: 3, a: {} }),
            b.put('x'), b.put('y', 9.5), b.put('z'), b.put('w', 'text')].map(of));
        return [keys, await of(a.getAll()), await of(a.index('i').getAllKeys()),
            name(() => a.put(1)), name(() => a.put({ a: 1 })), await of(a.index('i').getKey([6, 3]))];""",
        [
            [1, 5, 6, 1, 9.5, 10, "text"],
            [{"n": 1, "a": {"b": 1}}, {"n": 2, "a": {"b": 5}}, {"n": 3, "a": {"b": 6}}],
            [1, 5, 6],
            "DataError",
            "DataError",
            6,
        ],
    ),
    "what put refuses": (
        """const db = await open(1, (db) => { db.createObjectStore('s'); db.createObjectStore('p', { keyPath: 'id' }); });
        const read = db.transaction(['s', 'p']).objectStore('s');
        const tx = db.transaction(['s', 'p'], 'readwrite'); const [s, p] = [tx.objectStore('s'), tx.objectStore('p')];
        const thrown = new RangeError('mine');
        let own; try { s.put({ get x() { throw thrown; } }, 1); } catch (e) { own = e === thrown; }
        let inside; s.put({ get x() { inside = name(() => s.get(1)); return 1; } }, 1);
        return [name(() => read.put(1, 1)), name(() => s.put(1)), name(() => s.put(1, NaN)), name(() => p.put({ id: 1 }, 1)),
            name(() => p.put({})), name(() => p.put({ id: true })), name(() => s.put(() => 1, 1)), own, inside,
            name(() => s.put(1, new Date(NaN))), name(() => s.put())];""",
        [
            "ReadOnlyError",
            "DataError",
            "DataError",
            "DataError",
            "DataError",
            "DataError",
            "DataCloneError",
            True,
            "TransactionInactiveError",
            "DataError",
            "TypeError",
        ],
    ),
    "what cannot be cloned": (
        THINGS
        + "let s; "
        + """const message = (value) => { try { s.put(value, 1); return 'nothing thrown'; } catch (e) { return `${e.name}: ${e.message}`; } };
        const { port1 } = new MessageChannel();
        const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']);
        s = db.transaction('s', 'readwrite').objectStore('s');
        const refused = [() => 1, Symbol('x'), port1, new URL('https://a.example/'), new Request('https://a.example/'),
            new WeakMap(), Promise.resolve(1), new SharedArrayBuffer(1), new Uint8Array(new SharedArrayBuffer(1)), s, s.transaction,
            IDBKeyRange.only(1), new Event('x'), new Proxy({}, {}), key];
        const names = refused.map((value) => [value, { a: [value] }, new Map([[1, value]])].map((each) => name(() => s.put(each, 1))));
        return [names.flat().every((each) => each === 'DataCloneError'), message({ a: [1, function f() {}] }), await of(s.count())];""",
        [
            True,
            "DataCloneError: value.a[1] is the function f, which cannot be cloned.",
            0,
        ],
    ),
    "Blobs and Files are kept": (
        WRITE
        + """const file = new File(['\u00fc', new Uint8Array([0, 255, 1])], 'a.bin', { type: 'x/y', lastModified: 5 });
        const blob = new Blob(['whole text'], { type: 'text/plain' }).slice(6);
        s.put({ file, list: [blob, blob], w: 'w' }, 1);
        const { file: f, list } = await of(s.index('w').get('w'));
        return [f instanceof File, f.name, f.type, f.lastModified, [...await f.bytes()], list[0] === list[1],
            list[0] instanceof File, list[0].type, await list[0].text()];""",
        [True, "a.bin", "x/y", 5, [195, 188, 0, 255, 1], True, False, "", "text"],
    ),
    "key paths into Blobs": (
        """const db = await open(1, (db) => db.createObjectStore('s', { keyPath: 'file.size' }).createIndex('t', ['file.type', 'file.name', 'file.lastModified']));
        const s = db.transaction('s', 'readwrite').objectStore('s');
        s.put({ file: new File(['12345'], 'n', { type: 'a/b', lastModified: 7 }) });
        return [await of(s.getAllKeys()), (await of(s.index('t').openKeyCursor())).key];""",
        [[5], ["a/b", "n", 7]],
    ),
    "all that can be cloned": (
        WRITE
        + """const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
        const value = { n: [NaN, -0, Infinity, 1e300], big: -(2n ** 70n), lone: '\ud800', s: new Set([1, 'x']), d: new Date(NaN),
            e: new RangeError('m'), dom: new DOMException('m', 'AbortError'), boxed: Object('s'), sparse: [, 1], nil: null,
            views: [new Uint16Array(buffer, 2, 1), new DataView(buffer)], $bytes: 1, f: 2, ['__proto__']: 3 };
        value.self = value; new Uint16Array(buffer)[1] = 513;
        s.put(value, 1);
        const got = await of(s.get(1));
        return [got.n.map((n) => Object.is(n, -0) ? '-0' : `${n}`), String(got.big), got.lone === value.lone, [...got.s],
            `${got.d}`, got.e instanceof RangeError && got.e.message, got.dom instanceof DOMException && got.dom.name,
            typeof got.boxed, 0 in got.sparse, got.nil, got.views[0][0], got.views[1].buffer === got.views[0].buffer,
            got.views[1].buffer.maxByteLength, got.self === got, Object.keys(got).slice(-4)];""",
        [
            ["NaN", "-0", "Infinity", "1e+300"],
            "-1180591620717411303424",
            True,
            [1, "x"],
            "Invalid Date",
            "m",
            "AbortError",
            "object",
            False,
            None,
            513,
            True,
            16,
            True,
            ["$bytes", "f", "__proto__", "self"],
        ],
    ),
    "an update looks at the clone": (
        """const db = await open(1, (db) => { const s = db.createObjectStore('s', { keyPath: 'id' }); s.put({ id: 1 }); });
        const s = db.transaction('s', 'readwrite').objectStore('s');
        const c = await of(s.openCursor());
        let asked = 0;
        const wrong = [name(() => c.update({ id: 2 })), name(() => c.update({})), name(() => c.update(1)), name(() => c.update({ id: 2, f() {} }))];
        await of(c.update({ get id() { asked++; return 1; }, v: 'new' }));
        return [wrong, asked, await of(s.getAll())];""",
        [["DataError", "DataError", "DataError", "DataCloneError"], 1, [{"id": 1, "v": "new"}]],
    ),
    "what an earlier version stored is read": (
        """const bytes = serialize({ a: [1, new Date(5)], b: new Uint8Array([1]) });
        const got = deserializeStored(bytes);
        return [bytes[0], got.a[0], got.a[1].getTime(), [...got.b], ...[new Uint8Array(), new Uint8Array([7]), new Uint8Array([1, 0, 0, 0, 0])]
            .map((each) => name(() => deserializeStored(each)))];""",
        [255, 1, 5, [1], "RangeError", "RangeError", "SyntaxError"],
    ),
    "values are clones": (
        WRITE
        + """const value = { d: new Date(5), m: new Map([[1, { a: 1 }]]), b: new Uint8Array([1, 2]), r: /x/g, u: undefined };
        s.put(value, 1); value.d = 'changed';
        const got = await of(s.get(1));
        return [got.d.getTime(), got.m.get(1).a, [...got.b], String(got.r), 'u' in got, (await of(s.get(2))) === undefined];""",
        [5, 1, [1, 2], "/x/g", True, True],
    ),
    "ranges": (
        FILLED
        + """const R = IDBKeyRange, k = (q) => of(s.getAllKeys(q));
        return [await k(R.bound(2, 3)), await k(R.bound(2, 4, true, true)), await k(R.lowerBound(3)), await k(R.upperBound(2, true)),
            await k(R.only(4)), await k(9), await of(s.count(R.lowerBound(2))), await of(s.getAllKeys(null, 2)),
            await of(s.getAllKeys({ direction: 'prev', count: 2 })), R.bound(1, [2]).includes('x'), R.lowerBound(1, true).includes(1),
            name(() => R.bound(2, 1)), name(() => R.only({})), name(() => s.get()), name(() => s.delete(null)), R.lowerBound(1).upperOpen,
            (await of(s.getAllRecords({ query: R.lowerBound(4) }))).map((r) => [r.key, r.primaryKey, r.value.k])];""",
        [
            [2, 3],
            [3],
            [3, 4],
            [1],
            [4],
            [],
            3,
            [1, 2],
            [4, 3],
            True,
            False,
            "DataError",
            "DataError",
            "TypeError",
            "DataError",
            True,
            [[4, 4, 4]],
        ],
    ),
    "delete and clear": (
        FILLED
        + """s.delete(IDBKeyRange.bound(2, 3)); const some = await of(s.getAllKeys()); const words = await of(s.index('w').count());
        await of(s.clear()); return [some, words, await of(s.count()), await of(s.index('w').count())];""",
        [[1, 4], 2, 0, 0],
    ),
    "names and key paths": (
        """let seen;
        const db = await open(1, (db) => {
            const s = db.createObjectStore('s', { keyPath: ['a', 'b.c'] });
            s.createIndex('z', 'z'); s.createIndex('a', 'a');
            seen = [s.keyPath === s.keyPath, [...s.keyPath], [...s.indexNames], s.autoIncrement,
                name(() => db.createObjectStore('s')), name(() => db.createObjectStore('t', { keyPath: 'a b' })),
                name(() => db.createObjectStore('t', { keyPath: '', autoIncrement: true })),
                name(() => s.createIndex('a', 'x')), name(() => s.createIndex('m', ['x'], { multiEntry: true })),
                name(() => s.createIndex('m', [])), name(() => s.index('none')), name(() => db.deleteObjectStore('none'))];
            s.name = 'b'; s.index('z').name = 'y'; s.deleteIndex('a');
            db.createObjectStore('a');
        });
        const list = db.objectStoreNames;
        const tx = db.transaction(list);
        return [...seen, [...list], list.contains('a'), list.item(1), list.item(2), list.length,
            [...tx.objectStore('b').indexNames], tx.objectStore('a') === tx.objectStore('a'),
            name(() => { tx.objectStore('b').name = 'c'; }), name(() => db.createObjectStore('x')),
            name(() => db.transaction('none')), name(() => db.transaction([])), name(() => db.transaction('a', 'versionchange'))];""",
        [
            True,
            ["a", "b.c"],
            ["a", "z"],
            False,
            "ConstraintError",
            "SyntaxError",
            "InvalidAccessError",
            "ConstraintError",
            "InvalidAccessError",
            "SyntaxError",
            "NotFoundError",
            "NotFoundError",
            ["a", "b"],
            True,
            "b",
            None,
            2,
            ["y"],
            True,
            "InvalidStateError",
            "InvalidStateError",
            "NotFoundError",
            "InvalidAccessError",
            "TypeError",
        ],
    ),
    # Indexes
    "an index over what is there": (
        """const db = await open(1, (db) => {
            const s = db.createObjectStore('s');
            for (let k = 0; k < 600; k++) s.put({ tags: ['all', `n${k % 3}`, 'all', NaN], k }, k);
            s.createIndex('tags', 'tags', { multiEntry: true }); s.createIndex('k', 'k', { unique: true });
        });
        const s = db.transaction('s').objectStore('s');
        return [await of(s.index('tags').count('all')), await of(s.index('tags').count()), await of(s.index('tags').count('n1')),
            await of(s.index('k').getKey(599)), (await of(s.index('k').get(5))).k];""",
        [600, 1200, 200, 599, 5],
    ),
    "an index that cannot be unique aborts the upgrade": (
        """return await open(1, (db) => {
            const s = db.createObjectStore('s'); s.put({ a: 1 }, 1); s.put({ a: 1 }, 2); s.createIndex('a', 'a', { unique: true });
        }).catch((e) => e.name);""",
        "AbortError",
    ),
    "a constraint": (
        """const db = await open(1, (db) => db.createObjectStore('s').createIndex('u', 'u', { unique: true }));
        const tx = db.transaction('s', 'readwrite'); const s = tx.objectStore('s'); const seen = [];
        s.add({ u: 1 }, 1);
        const request = s.add({ u: 1 }, 2);
        tx.onerror = (e) => seen.push([e.target === request, e.currentTarget === tx, e.eventPhase, e.bubbles, e.cancelable, e.isTrusted]);
        db.onerror = () => seen.push('database');
        request.onerror = (e) => { seen.push(request.error.name); e.preventDefault(); };
        const how = await end(tx);
        const next = db.transaction('s', 'readwrite'); next.objectStore('s').put('gone', 9); next.objectStore('s').add('again', 1);
        let error; next.onabort = () => { error = next.error.name; };
        return [seen, how, await end(next), error, await of(db.transaction('s').objectStore('s').getAllKeys())];""",
        [
            ["ConstraintError", [True, True, 3, True, True, True], "database"],
            "complete",
            "abort ConstraintError",
            "ConstraintError",
            [1],
        ],
    ),
    # Cursors
    "cursors in all directions": (
        FILLED
        + WALK
        + """const w = s.index('w'), go = (c) => c.continue(); const out = [];
        for (const d of ['next', 'nextunique', 'prev', 'prevunique']) out.push(await walk(w.openKeyCursor(null, d), go));
        out.push(await walk(s.openCursor(IDBKeyRange.lowerBound(3), 'prev'), go));
        return out;""",
        [
            [["even", 2], ["even", 4], ["odd", 1], ["odd", 3]],
            [["even", 2], ["odd", 1]],
            [["odd", 3], ["odd", 1], ["even", 4], ["even", 2]],
            [["odd", 1], ["even", 2]],
            [[4, 4], [3, 3]],
        ],
    ),
    "long walks, advance, continue to a key": (
        WRITE
        + WALK
        + """for (let k = 0; k < 500; k++) s.put({ w: k % 5 }, k);
        const all = await walk(s.openCursor(), (c) => c.continue());
        const far = await walk(s.openCursor(), (c) => c.advance(90));
        const to = await walk(s.openCursor(), (c) => c.continue(c.key + 120.5));
        const pk = await walk(s.index('w').openKeyCursor(), (c, seen) => seen.length < 3 ? c.continuePrimaryKey(c.key + 1, 400) : c.advance(1000));
        return [all.length, all.every(([k], i) => k === i), far.map(([k]) => k), to.map(([k]) => k), pk];""",
        [500, True, [0, 90, 180, 270, 360, 450], [0, 121, 242, 363, 484], [[0, 0], [1, 401], [2, 402]]],
    ),
    "a cursor sees what is written on its way": (
        FILLED
        + """const seen = []; const request = s.openCursor();
        await new Promise((resolve) => { request.onsuccess = () => {
            const c = request.result; if (!c) return resolve();
            seen.push([c.key, c.value.k]);
            if (c.key === 1) s.delete(2);
            if (c.key === 3) { c.update({ k: 'new' }); s.put({ k: 5 }, 3.5); }
            if (c.key === 3.5) c.delete();
            c.continue();
        }; });
        return [seen, await of(s.getAllKeys()), (await of(s.get(3))).k];""",
        [[[1, 1], [3, 3], [3.5, 5], [4, 4]], [1, 3, 4], "new"],
    ),
    "what cursors refuse": (
        FILLED
        + """const request = s.openCursor(), index = s.index('w').openKeyCursor(); const cursor = await of(request), keys = await of(index);
        const out = [cursor instanceof IDBCursorWithValue, keys instanceof IDBCursorWithValue, cursor.request === request,
            cursor.source === s, cursor.direction, name(() => cursor.continue(1)), name(() => cursor.continue({})), name(() => cursor.advance(0)),
            name(() => cursor.continuePrimaryKey(2, 2)), name(() => keys.update(1)), name(() => keys.continuePrimaryKey('even', 2))];
        cursor.continue();
        return [...out, name(() => cursor.continue()), name(() => cursor.update(1)), request.readyState];""",
        [
            True,
            False,
            True,
            True,
            "next",
            "DataError",
            "DataError",
            "TypeError",
            "InvalidAccessError",
            "InvalidStateError",
            "DataError",
            "InvalidStateError",
            "InvalidStateError",
            "pending",
        ],
    ),
    # Transactions
    "active until the microtasks have run, and in callbacks": (
        WRITE
        + """const seen = [];
        await Promise.resolve(); seen.push(name(() => s.put(1, 1)));
        await of(s.get(1)); await null; seen.push(name(() => s.put(2, 2)));
        await of(s.get(1)); await tasks(); seen.push(name(() => s.put(3, 3)));
        seen.push(name(() => tx.objectStore('s')), name(() => tx.abort()), name(() => tx.commit()));
        return seen;""",
        [
            "nothing thrown",
            "nothing thrown",
            "TransactionInactiveError",
            "InvalidStateError",
            "InvalidStateError",
            "TransactionInactiveError",
        ],
    ),
    "in order": (
        THINGS
        + """const seen = [];
        const go = (mode, what, action) => { const tx = db.transaction('s', mode);
            of(action(tx.objectStore('s'))).then((v) => seen.push([what, v ?? null])); return end(tx).then(() => seen.push(what)); };
        await Promise.all([go('readwrite', 'a', (s) => s.put('x', 1)), go('readonly', 'b', (s) => s.get(1)),
            go('readonly', 'c', (s) => s.count()), go('readwrite', 'd', (s) => s.put('y', 1)), go('readonly', 'e', (s) => s.get(1))]);
        return [seen.filter(Array.isArray).sort(), seen.indexOf('d') > seen.indexOf('b'), seen.indexOf('e') > seen.indexOf('d')];""",
        [[["a", 1], ["b", "x"], ["c", 1], ["d", 1], ["e", "y"]], True, True],
    ),
    "abort": (
        WRITE
        + """const errors = []; let bubbled = 0;
        const one = s.put('x', 1); one.onerror = () => errors.push(one.error.name);
        const two = s.get(1); two.onerror = () => errors.push(two.error.name);
        db.onabort = (e) => { bubbled += e.target === tx; };
        tx.abort();
        const how = await end(tx); const count = await of(db.transaction('s').objectStore('s').count());
        return [how, tx.error, errors, bubbled, count, name(() => tx.abort())];""",
        ["abort null", None, ["AbortError", "AbortError"], 1, 0, "InvalidStateError"],
    ),
    "a listener that throws aborts": (
        WRITE + "s.put(1, 1).onsuccess = () => { throw new Error('no'); }; return await end(tx);",
        "abort AbortError",
    ),
    "commit at once": (
        WRITE
        + """s.put('x', 1); let after; s.put('y', 2).onsuccess = () => { after = name(() => s.get(1)); };
        tx.commit(); const refused = name(() => s.get(1));
        return [refused, await end(tx), after, tx.mode, tx.durability, tx.db === db,
            db.transaction('s', 'readwrite', { durability: 'strict' }).durability, name(() => db.transaction('s', 'readonly', { durability: 'x' }))];""",
        [
            "TransactionInactiveError",
            "complete",
            "TransactionInactiveError",
            "readwrite",
            "default",
            True,
            "strict",
            "TypeError",
        ],
    ),
    "an empty transaction completes": (THINGS + "return await end(db.transaction('s'));", "complete"),
    "requests": (
        WRITE
        + """const request = s.get(1);
        const out = [request.readyState, name(() => request.result), name(() => request.error), request.source === s, request.transaction === tx];
        await of(request);
        return [...out, request.readyState, request.error, String(request), name(() => new IDBRequest()),
            name(() => Object.getOwnPropertyDescriptor(IDBRequest.prototype, 'result').get.call({}))];""",
        [
            "pending",
            "InvalidStateError",
            "InvalidStateError",
            True,
            True,
            "done",
            None,
            "[object IDBRequest]",
            "TypeError",
            "TypeError",
        ],
    ),
    "no room": (
        WRITE
        + """s.put('small', 1); const big = s.put(new Uint8Array(8_100_000), 2); let error;
        big.onerror = (e) => { error = big.error.name; e.preventDefault(); };
        return [await end(tx), error, await of(db.transaction('s').objectStore('s').getAllKeys())];""",
        ["complete", "QuotaExceededError", [1]],
    ),
    "many values in one go": (
        WRITE
        + """for (let k = 0; k < 2000; k++) s.put({ w: 'x'.repeat(300), k }, k);
        const how = await end(tx);
        const all = await of(db.transaction('s').objectStore('s').getAll(IDBKeyRange.lowerBound(1000)));
        return [how, all.length, all[999].k];""",
        ["complete", 1000, 1999],
    ),
    "a promise wrapper": (
        THINGS
        + """const tx = db.transaction('s', 'readwrite'); const s = tx.objectStore('s'); const done = end(tx);
        let total = 0;
        for (let k = 0; k < 20; k++) { await of(s.put({ k }, k)); await Promise.resolve(); total += (await of(s.get(k))).k; }
        return [total, await done];""",
        [190, "complete"],
    ),
    # Keys
    "keys come back as they were": (
        """const shown = (v) => v instanceof Date ? ['date', v.getTime()] : v instanceof ArrayBuffer ? ['buffer', ...new Uint8Array(v)]
            : Array.isArray(v) ? v.map(shown) : v === Infinity ? 'inf' : v;
        const keys = [0, -0, 1.5, -1e300, Infinity, 5e-324, new Date(-5), '', 'a\\u0000\\u007e\\u007f\\u407e\\u407f\\uffff', '\\ud800',
            new Uint8Array([0, 1, 2, 255]).subarray(1), new Uint8Array(0).buffer, [], [[], 'x', [1, [2]]]];
        const cycle = []; cycle.push(cycle);
        const bad = [NaN, true, null, undefined, {}, [1, NaN], new Array(2), cycle, Symbol(), 1n, new Date(NaN), /x/];
        return [keys.map((k) => shown(decodeKey(encodeKey(k)))), bad.map((k) => encodeKey(k) === undefined)];""",
        [
            [
                0,
                0,
                1.5,
                -1e300,
                "inf",
                5e-324,
                ["date", -5],
                "",
                "a\u0000\u007e\u007f\u407e\u407f\uffff",
                "\ud800",
                ["buffer", 1, 2, 255],
                ["buffer"],
                [],
                [[], "x", [1, [2]]],
            ],
            [True] * 12,
        ],
    ),
    "a polluted prototype changes nothing": (
        """const kept = [Array.prototype.push, Map.prototype.get, Object.prototype.hasOwnProperty, Promise.prototype.then];
        const { push, map } = Array.prototype; const { get } = Map.prototype;
        let result;
        try {
            Array.prototype.push = Array.prototype.map = Map.prototype.get = () => { throw new Error('polluted'); };
            const request = indexedDB.open(title, 1);
            request.onupgradeneeded = () => { request.result.createObjectStore('s').createIndex('a', 'a'); };
            const db = await of(request);
            const s = db.transaction('s', 'readwrite').objectStore('s');
            s.put({ a: 'x' }, [1, 'two']);
            result = [await of(s.getAllKeys()), (await of(s.index('a').get('x'))).a];
        } finally { Array.prototype.push = push; Array.prototype.map = map; Map.prototype.get = get; }
        return result;""",
        [[[1, "two"]], "x"],
    ),
}


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return run_cases({title: script for title, (script, _) in CASES.items()})


@pytest.mark.parametrize("title", CASES)
def test_a_script(results: dict[str, Any], title: str) -> None:
    assert results[title] == CASES[title][1]
