// The interfaces of Service Workers, Background Fetch and what goes with them, as faces.
// Which members there are is held against specs/*/interfaces.webidl by the conformance checks.

import { neverFired } from "./absent.js";
import { call, post } from "./calls.js";
import { domException } from "./errors.js";
import { reportException } from "./events.js";
import {
    adopt, checked, defineFace, detach, entangle, makeFace, nothingComes, numberOf, posted, slotOf,
} from "./faces.js";
import { PromiseReject, ReflectApply, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetToStringTag } from "./primordials.js";
import { copyOf } from "./sources.js";
import {
    ByteString, DOMString, USVString, backgroundFetchOptions, backgroundSyncOptions, cacheQueryOptions,
    clientQueryOptions, messageArguments, multiCacheQueryOptions, notificationFilter, notificationOptions,
    permissionDescriptor, pushOptions, registrationOptions, requestInfo, requestInfos, requestSequence, response, revive,
    reviveFrozen, sentRequestInfo, serialize, transferList,
} from "./values.js";
import { callback as asCallback, enumeration, requireArguments } from "./webidl.js";

const stateOf = (face) => slotOf(face).state;
const isBytes = (value) => TypedArrayPrototypeGetToStringTag(value) === "Uint8Array";

let made = -1_000_000_000;
/** A number for an object that a script's constructor makes; those of clones of bodies count down from -1. */
const nextNumber = () => --made;

/** postMessage(message, transfer) and postMessage(message, options) */
function postMessage(name) {
    return {
        postMessage(message, options = undefined) {
            const slot = checked(this, name);
            requireArguments(arguments.length, 1, `execute 'postMessage' on '${name}'`);
            const transfer = transferList(options, `Failed to execute 'postMessage' on '${name}': parameter 2`);
            for (let i = 0; i < transfer.length; i++) {
                if (transfer[i] === this) throw domException("A port cannot be sent through itself.", "DataCloneError");
            }
            const { wire, ports } = messageArguments(message, transfer);
            posted(this);
            post(`${slot.names[0]}.postMessage`, [slot.number, wire, ports]);
        },
    };
}

/** `navigator`: the face whose attributes come anew with each frame, once it is there. */
let navigator;
export const setNavigator = (face) => {
    navigator = face;
};

export function definePlatformFaces() {
    defineFace("BackgroundFetchManager", {
        revive,
        methods: {
            fetch: [[DOMString, requestInfos, backgroundFetchOptions], 2],
            get: [[DOMString], 1],
            getIds: [[], 0],
        },
    });
    defineFace("BackgroundFetchRegistration", {
        isTarget: true,
        revive,
        attributes: [
            "id", "uploadTotal", "uploaded", "downloadTotal", "downloaded", "result", "failureReason", "recordsAvailable",
        ],
        handlers: ["progress"],
        methods: {
            abort: [[], 0],
            match: [[requestInfo, cacheQueryOptions], 1],
            matchAll: [[requestInfo, cacheQueryOptions], 0],
        },
    });
    defineFace("BackgroundFetchRecord", { revive, attributes: ["request"], promises: ["responseReady"] });
    defineFace("Cache", {
        revive: reviveFrozen,
        methods: {
            match: [[requestInfo, cacheQueryOptions], 1],
            matchAll: [[requestInfo, cacheQueryOptions], 0],
            add: [[sentRequestInfo], 1],
            addAll: [[requestSequence], 1],
            put: [[requestInfo, response], 2],
            delete: [[requestInfo, cacheQueryOptions], 1],
            keys: [[requestInfo, cacheQueryOptions], 0],
        },
    });
    defineFace("CacheStorage", {
        revive,
        methods: {
            match: [[requestInfo, multiCacheQueryOptions], 1],
            has: [[DOMString], 1],
            open: [[DOMString], 1],
            delete: [[DOMString], 1],
            keys: [[], 0],
        },
    });
    defineFace("NavigationPreloadManager", {
        revive,
        methods: { enable: [[], 0], disable: [[], 0], setHeaderValue: [[ByteString], 1], getState: [[], 0] },
    });
    defineFace("ServiceWorker", {
        isTarget: true,
        attributes: ["scriptURL", "state"],
        handlers: ["statechange", "error"],
        extra: postMessage("ServiceWorker"),
    });
    defineFace("SyncManager", { revive, methods: { register: [[DOMString], 1], getTags: [[], 0] } });
    defineFace("PeriodicSyncManager", {
        revive,
        methods: { register: [[DOMString, backgroundSyncOptions], 1], getTags: [[], 0], unregister: [[DOMString], 1] },
    });
    definePush();
    defineNotification();
    defineFace("ServiceWorkerRegistration", {
        isTarget: true,
        revive,
        attributes: [
            "installing", "waiting", "active", "navigationPreload", "scope", "updateViaCache", "backgroundFetch",
            "pushManager", "sync", "periodicSync",
        ],
        handlers: ["updatefound"],
        methods: {
            update: [[], 0],
            unregister: [[], 0],
            showNotification: [[DOMString, notificationOptions], 1],
            getNotifications: [[notificationFilter], 0],
        },
    });
    defineFace("ServiceWorkerContainer", {
        isTarget: true,
        revive: reviveFrozen,
        attributes: ["controller"],
        promises: ["ready"],
        handlers: ["controllerchange", "messageerror"],
        // https://w3c.github.io/ServiceWorker/#dom-serviceworkercontainer-onmessage
        handlersThatStart: { message: (face) => post("ServiceWorkerContainer.startMessages", [numberOf(face)]) },
        methods: {
            register: [[USVString, registrationOptions], 1],
            getRegistration: [[USVString], 0],
            getRegistrations: [[], 0],
        },
        tells: { startMessages: [[], 0] },
    });
    defineFace("Permissions", { tellsAbsent: true, revive: permissionStatus, methods: { query: [[permissionDescriptor], 1] } });
    defineFace("PermissionStatus", { isTarget: true, attributes: ["name", "state"], handlers: ["change"] });
    defineFace("StorageManager", { tellsAbsent: true, revive, methods: { estimate: [[], 0] } });
    defineMessaging();
}

export function defineClients() {
    defineFace("Client", {
        attributes: ["url", "frameType", "id", "type"],
        extra: postMessage("Client"),
    });
    defineFace("WindowClient", {
        parent: "Client",
        revive,
        freezes: ["ancestorOrigins"],
        attributes: ["visibilityState", "focused", "ancestorOrigins"],
        methods: { focus: [[], 0], navigate: [[USVString], 1, true] },
    });
    defineFace("Clients", {
        revive: reviveFrozen,
        methods: {
            get: [[DOMString], 1],
            matchAll: [[clientQueryOptions], 0],
            openWindow: [[USVString], 1, true],
            claim: [[], 0],
        },
    });
}

const permissionStatus = (answer) =>
    makeFace("PermissionStatus", null, { __proto__: null, name: answer.$permission, state: answer.state });

function definePush() {
    defineFace("PushManager", {
        revive,
        methods: { subscribe: [[pushOptions], 0], getSubscription: [[], 0, true], permissionState: [[pushOptions], 0] },
    });
    defineFace("PushSubscriptionOptions", { attributes: ["userVisibleOnly", "applicationServerKey"] });
    const keyName = enumeration("PushEncryptionKeyName", ["p256dh", "auth"]);
    defineFace("PushSubscription", {
        revive,
        attributes: ["endpoint", "expirationTime"],
        methods: { unsubscribe: [[], 0] },
        extra: {
            get options() {
                const slot = checked(this, "PushSubscription");
                const { userVisibleOnly, applicationServerKey } = slot.state.options;
                return (slot.options ??= makeFace("PushSubscriptionOptions", null, {
                    __proto__: null,
                    userVisibleOnly,
                    applicationServerKey: isBytes(applicationServerKey)
                        ? TypedArrayPrototypeGetBuffer(applicationServerKey)
                        : null,
                }));
            },
            getKey(name) {
                const slot = checked(this, "PushSubscription");
                requireArguments(arguments.length, 1, "execute 'getKey' on 'PushSubscription'");
                const key = slot.state.keys[keyName(name, "Failed to execute 'getKey' on 'PushSubscription': parameter 1")];
                return TypedArrayPrototypeGetBuffer(copyOf(key));
            },
            toJSON() {
                const { endpoint, expirationTime, keys } = checked(this, "PushSubscription").state.json;
                return { endpoint, expirationTime, keys: { ...keys } };
            },
        },
    });
}

function defineNotification() {
    const Notification = defineFace("Notification", {
        isTarget: true,
        freezes: ["vibrate", "actions"],
        attributes: [
            "title", "dir", "lang", "body", "navigate", "tag", "image", "icon", "badge", "vibrate", "timestamp", "renotify",
            "silent", "requireInteraction", "data", "actions",
        ],
        handlers: ["click", "show", "error", "close"],
        tells: { close: [[], 0] },
    });
    const members = {
        get maxActions() {
            return 2;
        },
        get permission() {
            return stateOf(navigator).notificationPermission;
        },
        requestPermission(deprecatedCallback = undefined) {
            try {
                const callback = deprecatedCallback === undefined
                    ? undefined
                    : asCallback(deprecatedCallback, "Failed to execute 'requestPermission' on 'Notification': parameter 1");
                return requestPermission(callback);
            } catch (error) {
                return PromiseReject(error);
            }
        },
    };
    const descriptors = Object.getOwnPropertyDescriptors(members);
    for (const key of Object.keys(descriptors)) {
        Object.defineProperty(Notification, key, { ...descriptors[key], enumerable: true });
    }
}

/** https://notifications.spec.whatwg.org/#dom-notification-requestpermission */
function requestPermission(callback) {
    return call("Notification.requestPermission", [], (state) => {
        if (callback !== undefined) {
            try {
                ReflectApply(callback, undefined, [state]);
            } catch (error) {
                reportException(error);
            }
        }
        return state;
    });
}

function defineMessaging() {
    const started = (face) => post("MessagePort.start", [numberOf(face)]);
    defineFace("MessagePort", {
        isTarget: true,
        extra: Object.defineProperties(
            neverFired("MessagePort", "onclose", (value) => checked(value, "MessagePort")),
            Object.getOwnPropertyDescriptors({
                ...postMessage("MessagePort"),
                close() {
                    const slot = checked(this, "MessagePort");
                    detach(this);
                    post("MessagePort.close", [slot.number]);
                },
            }),
        ),
        tells: { start: [[], 0] },
        handlers: ["messageerror"],
        handlersThatStart: { message: started },
    });
    const MessageChannel = defineFace("MessageChannel", {
        construct(face) {
            const one = nextNumber();
            const other = nextNumber();
            post("MessageChannel.new", [one, other]);
            const port1 = makeFace("MessagePort", one);
            const port2 = makeFace("MessagePort", other);
            entangle(port1, port2);
            adopt(face, "MessageChannel", null, { __proto__: null, port1, port2 });
        },
        attributes: ["port1", "port2"],
    });
    defineFace("BroadcastChannel", {
        isTarget: true,
        length: 1,
        attributes: ["name"],
        handlers: ["message", "messageerror"],
        tells: { close: [[], 0] },
        extra: {
            postMessage(message) {
                const slot = checked(this, "BroadcastChannel");
                requireArguments(arguments.length, 1, "execute 'postMessage' on 'BroadcastChannel'");
                if (slot.closed) throw domException("The channel is closed.", "InvalidStateError");
                post("BroadcastChannel.postMessage", [slot.number, serialize(message, [])]);
            },
            close() {
                const slot = checked(this, "BroadcastChannel");
                slot.closed = true;
                nothingComes(this);
                post("BroadcastChannel.close", [slot.number]);
            },
        },
        construct(face, given) {
            requireArguments(given.length, 1, "construct 'BroadcastChannel'");
            const text = DOMString(given[0], "Failed to construct 'BroadcastChannel': parameter 1");
            const number = nextNumber();
            post("BroadcastChannel.new", [number, text]);
            adopt(face, "BroadcastChannel", number, { __proto__: null, name: text });
        },
    });
    return MessageChannel;
}

