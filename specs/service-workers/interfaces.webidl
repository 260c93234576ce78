// The interfaces of Service Workers: https://w3c.github.io/ServiceWorker/#idl-index
// What has [NotImplemented] is not there in this version, and says so by name when it is touched.

[SecureContext, Exposed=(Window,Worker)]
interface ServiceWorker : EventTarget {
    readonly attribute USVString scriptURL;
    readonly attribute ServiceWorkerState state;
    undefined postMessage(any message, optional sequence<object> transfer);
    attribute EventHandler onstatechange;
    attribute EventHandler onerror;
};

enum ServiceWorkerState { "parsed", "installing", "installed", "activating", "activated", "redundant" };

[SecureContext, Exposed=(Window,Worker)]
interface ServiceWorkerRegistration : EventTarget {
    readonly attribute ServiceWorker? installing;
    readonly attribute ServiceWorker? waiting;
    readonly attribute ServiceWorker? active;
    readonly attribute NavigationPreloadManager navigationPreload;
    readonly attribute USVString scope;
    readonly attribute ServiceWorkerUpdateViaCache updateViaCache;
    Promise<ServiceWorkerRegistration> update();
    Promise<boolean> unregister();
    attribute EventHandler onupdatefound;
};

enum ServiceWorkerUpdateViaCache { "imports", "all", "none" };

[SecureContext, Exposed=(Window,Worker)]
interface ServiceWorkerContainer : EventTarget {
    readonly attribute ServiceWorker? controller;
    readonly attribute Promise<ServiceWorkerRegistration> ready;
    Promise<ServiceWorkerRegistration> register(USVString scriptURL, optional RegistrationOptions options = {});
    Promise<(ServiceWorkerRegistration or undefined)> getRegistration(optional USVString clientURL = "");
    Promise<FrozenArray<ServiceWorkerRegistration>> getRegistrations();
    undefined startMessages();
    attribute EventHandler oncontrollerchange;
    attribute EventHandler onmessage;
    attribute EventHandler onmessageerror;
};

dictionary RegistrationOptions {
    USVString scope;
    WorkerType type = "classic";
    ServiceWorkerUpdateViaCache updateViaCache = "imports";
};

[SecureContext, Exposed=(Window,Worker)]
interface NavigationPreloadManager {
    Promise<undefined> enable();
    Promise<undefined> disable();
    Promise<undefined> setHeaderValue(ByteString value);
    Promise<NavigationPreloadState> getState();
};

dictionary NavigationPreloadState {
    boolean enabled = false;
    ByteString headerValue;
};

[Global=(Worker,ServiceWorker), Exposed=ServiceWorker, SecureContext]
interface ServiceWorkerGlobalScope : WorkerGlobalScope {
    readonly attribute Clients clients;
    readonly attribute ServiceWorkerRegistration registration;
    readonly attribute ServiceWorker serviceWorker;
    Promise<undefined> skipWaiting();
    attribute EventHandler oninstall;
    attribute EventHandler onactivate;
    attribute EventHandler onfetch;
    attribute EventHandler onmessage;
    attribute EventHandler onmessageerror;
};

[Exposed=ServiceWorker]
interface Client {
    readonly attribute USVString url;
    readonly attribute FrameType frameType;
    readonly attribute DOMString id;
    readonly attribute ClientType type;
    undefined postMessage(any message, optional sequence<object> transfer);
};

[Exposed=ServiceWorker]
interface WindowClient : Client {
    readonly attribute VisibilityState visibilityState;
    readonly attribute boolean focused;
    readonly attribute FrozenArray<USVString> ancestorOrigins;
    Promise<WindowClient> focus();
    Promise<WindowClient?> navigate(USVString url);
};

[Exposed=ServiceWorker]
interface Clients {
    Promise<(Client or undefined)> get(DOMString id);
    Promise<FrozenArray<Client>> matchAll(optional ClientQueryOptions options = {});
    Promise<WindowClient?> openWindow(USVString url);
    Promise<undefined> claim();
};

dictionary ClientQueryOptions {
    boolean includeUncontrolled = false;
    ClientType type = "window";
};

dictionary EventInit {
    boolean bubbles = false;
    boolean cancelable = false;
    boolean composed = false;
};

dictionary ExtendableEventInit : EventInit {
};

[Exposed=ServiceWorker]
interface ExtendableEvent : Event {
    constructor(DOMString type, optional ExtendableEventInit eventInitDict = {});
    undefined waitUntil(Promise<any> f);
};

[Exposed=ServiceWorker]
interface InstallEvent : ExtendableEvent {
    constructor(DOMString type, optional ExtendableEventInit eventInitDict = {});
    [NotImplemented] Promise<undefined> addRoutes((RouterRule or sequence<RouterRule>) rules);
};

[Exposed=ServiceWorker]
interface FetchEvent : ExtendableEvent {
    constructor(DOMString type, FetchEventInit eventInitDict);
    readonly attribute Request request;
    readonly attribute Promise<any> preloadResponse;
    readonly attribute DOMString clientId;
    readonly attribute DOMString resultingClientId;
    readonly attribute DOMString replacesClientId;
    readonly attribute Promise<undefined> handled;
    undefined respondWith(Promise<Response> r);
};

dictionary FetchEventInit : ExtendableEventInit {
    required Request request;
    Promise<any> preloadResponse;
    DOMString clientId = "";
    DOMString resultingClientId = "";
    DOMString replacesClientId = "";
    Promise<undefined> handled;
};

[Exposed=ServiceWorker]
interface ExtendableMessageEvent : ExtendableEvent {
    constructor(DOMString type, optional ExtendableMessageEventInit eventInitDict = {});
    readonly attribute any data;
    readonly attribute USVString origin;
    readonly attribute DOMString lastEventId;
    readonly attribute (Client or ServiceWorker or MessagePort)? source;
    readonly attribute FrozenArray<MessagePort> ports;
};

dictionary ExtendableMessageEventInit : ExtendableEventInit {
    any data = null;
    USVString origin = "";
    DOMString lastEventId = "";
    (Client or ServiceWorker or MessagePort)? source = null;
    sequence<MessagePort> ports = [];
};

[SecureContext, Exposed=(Window,Worker)]
interface Cache {
    Promise<(Response or undefined)> match(RequestInfo request, optional CacheQueryOptions options = {});
    Promise<FrozenArray<Response>> matchAll(optional RequestInfo request, optional CacheQueryOptions options = {});
    Promise<undefined> add(RequestInfo request);
    Promise<undefined> addAll(sequence<RequestInfo> requests);
    Promise<undefined> put(RequestInfo request, Response response);
    Promise<boolean> delete(RequestInfo request, optional CacheQueryOptions options = {});
    Promise<FrozenArray<Request>> keys(optional RequestInfo request, optional CacheQueryOptions options = {});
};

dictionary CacheQueryOptions {
    boolean ignoreSearch = false;
    boolean ignoreMethod = false;
    boolean ignoreVary = false;
};

[SecureContext, Exposed=(Window,Worker)]
interface CacheStorage {
    Promise<(Response or undefined)> match(RequestInfo request, optional MultiCacheQueryOptions options = {});
    Promise<boolean> has(DOMString cacheName);
    Promise<Cache> open(DOMString cacheName);
    Promise<boolean> delete(DOMString cacheName);
    Promise<sequence<DOMString>> keys();
};

dictionary MultiCacheQueryOptions : CacheQueryOptions {
    DOMString cacheName;
};
