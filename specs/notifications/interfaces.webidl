// The interfaces of Notifications: https://notifications.spec.whatwg.org/#api

[Exposed=(Window,Worker)]
interface Notification : EventTarget {
    static readonly attribute NotificationPermission permission;
    [Exposed=Window] static Promise<NotificationPermission> requestPermission(optional NotificationPermissionCallback deprecatedCallback);
    static readonly attribute unsigned long maxActions;
    attribute EventHandler onclick;
    attribute EventHandler onshow;
    attribute EventHandler onerror;
    attribute EventHandler onclose;
    readonly attribute DOMString title;
    readonly attribute NotificationDirection dir;
    readonly attribute DOMString lang;
    readonly attribute DOMString body;
    readonly attribute USVString navigate;
    readonly attribute DOMString tag;
    readonly attribute USVString image;
    readonly attribute USVString icon;
    readonly attribute USVString badge;
    readonly attribute FrozenArray<unsigned long> vibrate;
    readonly attribute EpochTimeStamp timestamp;
    readonly attribute boolean renotify;
    readonly attribute boolean? silent;
    readonly attribute boolean requireInteraction;
    readonly attribute any data;
    readonly attribute FrozenArray<NotificationAction> actions;
    undefined close();
};

dictionary NotificationOptions {
    NotificationDirection dir = "auto";
    DOMString lang = "";
    DOMString body = "";
    USVString navigate;
    DOMString tag = "";
    USVString image;
    USVString icon;
    USVString badge;
    VibratePattern vibrate;
    EpochTimeStamp timestamp;
    boolean renotify = false;
    boolean? silent = null;
    boolean requireInteraction = false;
    any data = null;
    sequence<NotificationAction> actions = [];
};

dictionary GetNotificationOptions {
    DOMString tag = "";
};

partial interface ServiceWorkerRegistration {
    Promise<undefined> showNotification(DOMString title, optional NotificationOptions options = {});
    Promise<sequence<Notification>> getNotifications(optional GetNotificationOptions filter = {});
};

[Exposed=ServiceWorker]
interface NotificationEvent : ExtendableEvent {
    constructor(DOMString type, NotificationEventInit eventInitDict);
    readonly attribute Notification notification;
    readonly attribute DOMString action;
};

dictionary NotificationEventInit : ExtendableEventInit {
    required Notification notification;
    DOMString action = "";
};

partial interface ServiceWorkerGlobalScope {
    attribute EventHandler onnotificationclick;
    attribute EventHandler onnotificationclose;
};
