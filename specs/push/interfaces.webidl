// The interfaces of the Push API: https://w3c.github.io/push-api/#idl-index

partial interface ServiceWorkerRegistration {
    readonly attribute PushManager pushManager;
};

partial interface ServiceWorkerGlobalScope {
    attribute EventHandler onpush;
    attribute EventHandler onpushsubscriptionchange;
};

[Exposed=(Window,Worker), SecureContext]
interface PushManager {
    Promise<PushSubscription> subscribe(optional PushSubscriptionOptionsInit options = {});
    Promise<PushSubscription?> getSubscription();
    Promise<PermissionState> permissionState(optional PushSubscriptionOptionsInit options = {});
};

[Exposed=(Window,Worker), SecureContext]
interface PushSubscriptionOptions {
    readonly attribute boolean userVisibleOnly;
    readonly attribute ArrayBuffer? applicationServerKey;
};

dictionary PushSubscriptionOptionsInit {
    boolean userVisibleOnly = false;
    (BufferSource or DOMString)? applicationServerKey = null;
};

[Exposed=(Window,Worker), SecureContext]
interface PushSubscription {
    readonly attribute USVString endpoint;
    readonly attribute EpochTimeStamp? expirationTime;
    readonly attribute PushSubscriptionOptions options;
    ArrayBuffer? getKey(PushEncryptionKeyName name);
    Promise<boolean> unsubscribe();
    PushSubscriptionJSON toJSON();
};

[Exposed=ServiceWorker, SecureContext]
interface PushMessageData {
    ArrayBuffer arrayBuffer();
    Blob blob();
    Uint8Array bytes();
    any json();
    USVString text();
};

[Exposed=ServiceWorker, SecureContext]
interface PushEvent : ExtendableEvent {
    constructor(DOMString type, optional PushEventInit eventInitDict = {});
    readonly attribute PushMessageData? data;
};

dictionary PushEventInit : ExtendableEventInit {
    PushMessageDataInit? data = null;
};

[Exposed=ServiceWorker, SecureContext]
interface PushSubscriptionChangeEvent : ExtendableEvent {
    constructor(DOMString type, optional PushSubscriptionChangeEventInit eventInitDict = {});
    readonly attribute PushSubscription? newSubscription;
    readonly attribute PushSubscription? oldSubscription;
};

dictionary PushSubscriptionChangeEventInit : ExtendableEventInit {
    PushSubscription newSubscription;
    PushSubscription oldSubscription;
};
