"""Names that the platform has and this version of swruntime has not: touched, they say so. Names only, in Python.

From the Web IDL of the platform's specs as of November 2026 (https://github.com/w3c/webref). A name that is here
and is implemented by now does no harm: what is there is found first.
"""

from __future__ import annotations

MEMBERS: dict[str, frozenset[str]] = {
    interface: frozenset(names.split())
    for interface, names in {
        "Blob": "text_stream",
        "Client": "lifecycle_state",
        "Console": """
            assert clear count count_reset dir dirxml group group_collapsed group_end table time time_end
            time_log trace
        """,
        "Event": "cancel_bubble init_event return_value src_element",
        "EventTarget": "when",
        "InstallEvent": "add_routes",
        "Location": "ancestor_origins assign reload replace",
        "MessageEvent": "init_message_event",
        "MessagePort": "onclose",
        "Navigator": """
            ad_auction_components app_code_name app_name app_version attribution audio_session bluetooth
            can_share clear_app_badge clipboard connection contacts cookie_enabled cpu_performance
            create_handwriting_recognizer credentials cross_origin_storage deprecated_replace_in_urn
            deprecated_urnto_url device_memory device_posture geolocation get_autoplay_policy get_battery
            get_gamepads get_installed_related_apps global_privacy_control gpu hardware_concurrency hid ink
            install java_enabled keyboard language languages locks login managed max_touch_points
            media_capabilities media_devices media_session mime_types ml oscpu pdf_viewer_enabled platform
            plugins preferences presentation product product_sub query_handwriting_recognizer
            register_protocol_handler request_media_key_system_access request_midiaccess scheduling send_beacon
            serial service_worker set_app_badge share storage_buckets taint_enabled unregister_protocol_handler
            usb user_activation user_agent_data vendor vendor_sub vibrate virtual_keyboard wake_lock webdriver
            window_controls_overlay xr
        """,
        "PermissionStatus": "add_event_listener dispatch_event onchange remove_event_listener",
        "Permissions": "request revoke",
        "ReadableStream": "get_reader pipe_through pipe_to tee",
        "Request": "target_address_space text_stream",
        "Response": "text_stream",
        "ServiceWorkerGlobalScope": """
            atob btoa clear_interval clear_timeout cookie_store create_image_bitmap cross_origin_isolated crypto
            fonts indexed_db oncanmakepayment oncontentdelete oncookiechange onerror onlanguagechange onoffline
            ononline onpaymentrequest onrejectionhandled onunhandledrejection performance queue_microtask
            report_error scheduler set_interval set_timeout trusted_types
        """,
        "ServiceWorkerRegistration": "cookies index payment_manager",
        "StorageManager": "get_directory persist persisted",
        "Window": """
            alert atob blur btoa cancel_animation_frame cancel_idle_callback capture_events clear_interval
            clear_timeout client_information closed confirm cookie_store crash_report create_image_bitmap
            credentialless cross_origin_isolated crypto custom_elements device_pixel_ratio document
            document_picture_in_picture event external fence fetch_later frame_element frames get_computed_style
            get_digital_goods_service get_screen_details get_selection history indexed_db inner_height
            inner_width launch_queue length local_storage locationbar match_media maximize menubar minimize
            move_by move_to name navigation onabort onafterprint onanimationcancel onanimationend
            onanimationiteration onanimationstart onappinstalled onauxclick onbeforeinput onbeforeinstallprompt
            onbeforematch onbeforeprint onbeforetoggle onbeforeunload onbeforexrselect onblur oncancel oncanplay
            oncanplaythrough onchange onclick onclose oncommand oncontextlost oncontextmenu oncontextrestored
            oncopy oncuechange oncut ondblclick ondevicemotion ondeviceorientation ondeviceorientationabsolute
            ondrag ondragend ondragenter ondragleave ondragover ondragstart ondrop ondurationchange onemptied
            onended onerror onfencedtreeclick onfocus onformdata ongamepadconnected ongamepaddisconnected
            ongotpointercapture onhashchange oninput oninvalid onkeydown onkeypress onkeyup onlanguagechange
            onload onloadeddata onloadedmetadata onloadstart onlostpointercapture onmessage onmessageerror
            onmousedown onmouseenter onmouseleave onmousemove onmouseout onmouseover onmouseup
            onorientationchange onpagehide onpagereveal onpageshow onpageswap onpaste onpause onplay onplaying
            onpointercancel onpointerdown onpointerenter onpointerleave onpointermove onpointerout onpointerover
            onpointerrawupdate onpointerup onpopstate onportalactivate onprogress onratechange
            onrejectionhandled onreset onresize onscroll onscrollend onsecuritypolicyviolation onseeked
            onseeking onselect onselectionchange onselectstart onslotchange onsnapchanged onsnapchanging
            onstalled onstorage onsubmit onsuspend ontimeupdate ontoggle ontouchcancel ontouchend ontouchmove
            ontouchstart ontransitioncancel ontransitionend ontransitionrun ontransitionstart
            onunhandledrejection onunload onvolumechange onwaiting onwebkitanimationend
            onwebkitanimationiteration onwebkitanimationstart onwebkittransitionend onwheel open opener
            orientation origin_agent_cluster outer_height outer_width page_xoffset page_yoffset parent
            performance personalbar portal_host post_message print prompt query_local_fonts queue_microtask
            release_events report_error request_animation_frame request_idle_callback request_resize resize_by
            resize_to restore scheduler screen screen_left screen_top screen_x screen_y scroll scroll_by
            scroll_to scroll_x scroll_y scrollbars session_storage set_interval set_resizable set_timeout
            show_directory_picker show_open_file_picker show_save_file_picker speech_synthesis status statusbar
            stop toolbar top trusted_types viewport visual_viewport
        """,
    }.items()
}
"""Of each interface the members that are absent; those of the interfaces that it inherits from are with them."""

_WORKER = """
    BarcodeDetector ByteLengthQueuingStrategy CSSColor CSSColorValue CSSHSL CSSHWB CSSImageValue CSSKeywordValue
    CSSLCH CSSLab CSSMathClamp CSSMathInvert CSSMathMax CSSMathMin CSSMathNegate CSSMathProduct CSSMathSum
    CSSMathValue CSSMatrixComponent CSSNumericArray CSSNumericValue CSSOKLCH CSSOKLab CSSPerspective CSSRGB
    CSSRotate CSSScale CSSSkew CSSSkewX CSSSkewY CSSStyleValue CSSTransformComponent CSSTransformValue
    CSSTranslate CSSUnitValue CSSUnparsedValue CSSVariableReferenceValue CanMakePaymentEvent CanvasGradient
    CanvasPattern CloseEvent CompressionStream ContentIndex ContentIndexEvent CookieStore CookieStoreManager
    CountQueuingStrategy CropTarget CrossOriginStorageManager Crypto CryptoKey CustomEvent DOMMatrix
    DOMMatrixReadOnly DOMPoint DOMPointReadOnly DOMQuad DOMRect DOMRectReadOnly DOMStringList
    DecompressionStream ErrorEvent EventSource ExtendableCookieChangeEvent FaceDetector FileList FileReader
    FileSystemDirectoryHandle FileSystemFileHandle FileSystemHandle FileSystemWritableFileStream FontFace
    FontFaceFeatures FontFacePalette FontFacePalettes FontFaceSet FontFaceSetLoadEvent FontFaceVariationAxis
    FontFaceVariations GPU GPUAdapter GPUAdapterInfo GPUBindGroup GPUBindGroupLayout GPUBuffer GPUBufferUsage
    GPUCanvasContext GPUColorWrite GPUCommandBuffer GPUCommandEncoder GPUCompilationInfo GPUCompilationMessage
    GPUComputePassEncoder GPUComputePipeline GPUDevice GPUDeviceLostInfo GPUError GPUExternalTexture
    GPUInternalError GPUMapMode GPUOutOfMemoryError GPUPipelineError GPUPipelineLayout GPUQuerySet GPUQueue
    GPURenderBundle GPURenderBundleEncoder GPURenderPassEncoder GPURenderPipeline GPUSampler GPUShaderModule
    GPUShaderStage GPUSupportedFeatures GPUSupportedLimits GPUTexture GPUTextureUsage GPUTextureView
    GPUUncapturedErrorEvent GPUValidationError HID HIDConnectionEvent HIDDevice HIDInputReportEvent IDBCursor
    IDBCursorWithValue IDBDatabase IDBFactory IDBIndex IDBKeyRange IDBObjectStore IDBOpenDBRequest IDBRecord
    IDBRequest IDBTransaction IDBVersionChangeEvent ImageBitmap ImageBitmapRenderingContext ImageData Lock
    LockManager MIDIAccess MIDIConnectionEvent MIDIInput MIDIInputMap MIDIMessageEvent MIDIOutput MIDIOutputMap
    MIDIPort ML MLContext MLGraph MLGraphBuilder MLOperand MLTensor MediaCapabilities NavigatorUAData
    NetworkInformation Observable OffscreenCanvas OffscreenCanvasRenderingContext2D Origin Path2D
    PaymentRequestEvent Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver
    PerformanceObserverEntryList PerformanceResourceTiming PerformanceServerTiming Profiler ProgressEvent
    PromiseRejectionEvent ReadableByteStreamController ReadableStreamBYOBReader ReadableStreamBYOBRequest
    ReadableStreamDefaultController ReadableStreamDefaultReader ReportingObserver RestrictionTarget Scheduler
    SecurityPolicyViolationEvent StorageBucket StorageBucketManager StylePropertyMapReadOnly Subscriber
    SubtleCrypto TaskController TaskPriorityChangeEvent TaskSignal TextDecoder TextDecoderStream TextDetector
    TextEncoder TextEncoderStream TextMetrics TransformStream TransformStreamDefaultController TrustedHTML
    TrustedScript TrustedScriptURL TrustedTypePolicy TrustedTypePolicyFactory URL URLPattern USB
    USBAlternateInterface USBConfiguration USBConnectionEvent USBDevice USBEndpoint USBInTransferResult
    USBInterface USBIsochronousInTransferPacket USBIsochronousInTransferResult USBIsochronousOutTransferPacket
    USBIsochronousOutTransferResult USBOutTransferResult USBPermissionResult WGSLLanguageFeatures WebAssembly
    WebGL2RenderingContext WebGLActiveInfo WebGLBuffer WebGLContextEvent WebGLFramebuffer WebGLObject
    WebGLProgram WebGLQuery WebGLRenderbuffer WebGLRenderingContext WebGLSampler WebGLShader
    WebGLShaderPrecisionFormat WebGLSync WebGLTexture WebGLTransformFeedback WebGLUniformLocation
    WebGLVertexArrayObject WebSocket WebTransport WebTransportBidirectionalStream
    WebTransportDatagramDuplexStream WebTransportDatagramsWritable WebTransportError WebTransportReceiveStream
    WebTransportSendGroup WebTransportSendStream WebTransportWriter WorkerGlobalScope WritableStream
    WritableStreamDefaultController WritableStreamDefaultWriter
"""

_WINDOW = """
    AbsoluteOrientationSensor AbstractRange Accelerometer AmbientLightSensor AnalyserNode Animation
    AnimationEffect AnimationEvent AnimationNodeList AnimationPlaybackEvent AnimationTimeline AnimationTrigger
    Attr Attribution AttributionAggregationServices AudioBuffer AudioBufferSourceNode AudioContext AudioData
    AudioDecoder AudioDestinationNode AudioEncoder AudioListener AudioNode AudioParam AudioParamMap
    AudioPlaybackStats AudioProcessingEvent AudioScheduledSourceNode AudioSession AudioSinkInfo AudioTrack
    AudioTrackList AudioWorklet AudioWorkletNode AuthenticatorAssertionResponse AuthenticatorAttestationResponse
    AuthenticatorResponse AutofillEvent BarProp BaseAudioContext Baseline BatteryManager
    BeforeInstallPromptEvent BeforeUnloadEvent BiquadFilterNode BlobEvent Bluetooth BluetoothAdvertisingEvent
    BluetoothCharacteristicProperties BluetoothDataFilter BluetoothDevice BluetoothLEScan BluetoothLEScanFilter
    BluetoothLEScanPermissionResult BluetoothManufacturerDataFilter BluetoothManufacturerDataMap
    BluetoothPermissionResult BluetoothRemoteGATTCharacteristic BluetoothRemoteGATTDescriptor
    BluetoothRemoteGATTServer BluetoothRemoteGATTService BluetoothServiceDataFilter BluetoothServiceDataMap
    BluetoothUUID BrowserCaptureMediaStreamTrack BufferedChangeEvent CDATASection CSS CSSAnimation
    CSSApplyBlockRule CSSApplyStatementRule CSSColorProfileRule CSSConditionRule CSSContainerRule
    CSSContentsBlockRule CSSContentsStatementRule CSSCounterStyleRule CSSCustomMediaRule CSSFontFaceDescriptors
    CSSFontFaceRule CSSFontFeatureValuesMap CSSFontFeatureValuesRule CSSFontPaletteValuesRule
    CSSFunctionDeclarations CSSFunctionDescriptors CSSFunctionRule CSSGroupingRule CSSImportRule CSSKeyframeRule
    CSSKeyframesRule CSSLayerBlockRule CSSLayerStatementRule CSSMarginRule CSSMediaRule CSSMixinRule
    CSSNamespaceRule CSSNestedDeclarations CSSPageDescriptors CSSPageRule CSSParserAtRule CSSParserBlock
    CSSParserDeclaration CSSParserFunction CSSParserQualifiedRule CSSParserRule CSSParserValue
    CSSPositionTryDescriptors CSSPositionTryRule CSSPropertyRule CSSPseudoElement CSSRule CSSRuleList
    CSSScopeRule CSSStartingStyleRule CSSStyleDeclaration CSSStyleProperties CSSStyleRule CSSStyleSheet
    CSSSupportsConditionRule CSSSupportsRule CSSTransition CSSViewTransitionRule CanvasCaptureMediaStreamTrack
    CanvasRenderingContext2D CaptureActionEvent CaptureController CapturedMouseEvent CaretPosition
    ChannelMergerNode ChannelSplitterNode ChapterInformation CharacterBoundsUpdateEvent CharacterData Clipboard
    ClipboardChangeEvent ClipboardEvent ClipboardItem CloseWatcher CommandEvent Comment CompositionEvent
    ConstantSourceNode ContactAddress ContactsManager ContentVisibilityAutoStateChangeEvent ConvolverNode
    CookieChangeEvent CrashReportContext CreateMonitor Credential CredentialsContainer CustomElementRegistry
    CustomStateSet DOMImplementation DOMParser DOMRectList DOMStringMap DOMTokenList DataCue DataTransfer
    DataTransferItem DataTransferItemList DelayNode DelegatedInkTrailPresenter DeviceChangeEvent
    DeviceMotionEvent DeviceMotionEventAcceleration DeviceMotionEventRotationRate DeviceOrientationEvent
    DevicePosture DigitalCredential DigitalGoodsService Document DocumentFragment DocumentPictureInPicture
    DocumentPictureInPictureEvent DocumentTimeline DocumentType DragEvent DynamicsCompressorNode EditContext
    Element ElementInternals EncodedAudioChunk EncodedVideoChunk EventCounts External EyeDropper
    FederatedCredential Fence FencedFrameConfig FetchLaterResult FileSystem FileSystemDirectoryEntry
    FileSystemDirectoryReader FileSystemEntry FileSystemFileEntry FocusEvent Font FontData FontMetrics
    FormDataEvent FragmentDirective GainNode Gamepad GamepadButton GamepadEvent GamepadHapticActuator
    GamepadPose Geolocation GeolocationCoordinates GeolocationPosition GeolocationPositionError GravitySensor
    GroupEffect Gyroscope HTMLAllCollection HTMLAnchorElement HTMLAreaElement HTMLAudioElement HTMLBRElement
    HTMLBaseElement HTMLBodyElement HTMLButtonElement HTMLCameraElement HTMLCanvasElement HTMLCollection
    HTMLDListElement HTMLDataElement HTMLDataListElement HTMLDetailsElement HTMLDialogElement
    HTMLDirectoryElement HTMLDivElement HTMLElement HTMLEmbedElement HTMLFencedFrameElement HTMLFieldSetElement
    HTMLFontElement HTMLFormControlsCollection HTMLFormElement HTMLFrameElement HTMLFrameSetElement
    HTMLGeolocationElement HTMLHRElement HTMLHeadElement HTMLHeadingElement HTMLHtmlElement HTMLIFrameElement
    HTMLImageElement HTMLInputElement HTMLInstallElement HTMLLIElement HTMLLabelElement HTMLLegendElement
    HTMLLinkElement HTMLMapElement HTMLMarqueeElement HTMLMediaElement HTMLMenuElement HTMLMetaElement
    HTMLMeterElement HTMLMicrophoneElement HTMLModElement HTMLModelElement HTMLOListElement HTMLObjectElement
    HTMLOptGroupElement HTMLOptionElement HTMLOptionsCollection HTMLOutputElement HTMLParagraphElement
    HTMLParamElement HTMLPictureElement HTMLPortalElement HTMLPreElement HTMLProgressElement HTMLQuoteElement
    HTMLScriptElement HTMLSelectElement HTMLSelectedContentElement HTMLSlotElement HTMLSourceElement
    HTMLSpanElement HTMLStyleElement HTMLTableCaptionElement HTMLTableCellElement HTMLTableColElement
    HTMLTableElement HTMLTableRowElement HTMLTableSectionElement HTMLTemplateElement HTMLTextAreaElement
    HTMLTimeElement HTMLTitleElement HTMLTrackElement HTMLUListElement HTMLUnknownElement HTMLUserMediaElement
    HTMLVideoElement HandwritingDrawing HandwritingRecognizer HandwritingStroke HashChangeEvent Highlight
    HighlightRegistry History IIRFilterNode IdentityCredential IdentityCredentialError IdentityProvider
    IdleDeadline IdleDetector ImageCapture ImageDecoder ImageTrack ImageTrackList Ink InputDeviceCapabilities
    InputDeviceInfo InputEvent InstallResultEvent InteractionContentfulPaint IntersectionObserver
    IntersectionObserverEntry Keyboard KeyboardEvent KeyboardLayoutMap KeyframeEffect LanguageDetector
    LanguageModel LanguageModelParams LargestContentfulPaint LaunchParams LaunchQueue LayoutShift
    LayoutShiftAttribution LinearAccelerationSensor Magnetometer ManagedMediaSource ManagedSourceBuffer
    MathMLAnchorElement MathMLElement MediaDeviceInfo MediaDevices MediaElementAudioSourceNode
    MediaEncryptedEvent MediaError MediaKeyMessageEvent MediaKeySession MediaKeyStatusMap MediaKeySystemAccess
    MediaKeys MediaList MediaMetadata MediaQueryList MediaQueryListEvent MediaRecorder MediaSession MediaSource
    MediaSourceHandle MediaStream MediaStreamAudioDestinationNode MediaStreamAudioSourceNode MediaStreamTrack
    MediaStreamTrackAudioSourceNode MediaStreamTrackAudioStats MediaStreamTrackEvent MediaStreamTrackHandle
    MediaStreamTrackVideoStats MimeType MimeTypeArray ModelContext MouseEvent MutationObserver MutationRecord
    NDEFMessage NDEFReader NDEFReadingEvent NDEFRecord NamedFlow NamedFlowMap NamedNodeMap NavigateEvent
    Navigation NavigationActivation NavigationCurrentEntryChangeEvent NavigationDestination NavigationEvent
    NavigationHistoryEntry NavigationPrecommitController NavigationTransition NavigatorLogin
    NavigatorManagedData Node NodeIterator NodeList NotRestoredReasonDetails NotRestoredReasons OTPCredential
    OfflineAudioCompletionEvent OfflineAudioContext OrientationSensor OscillatorNode OverconstrainedError
    PageRevealEvent PageSwapEvent PageTransitionEvent PannerNode PasswordCredential PaymentManager
    PaymentMethodChangeEvent PaymentRequest PaymentRequestUpdateEvent PaymentResponse PerformanceContainerTiming
    PerformanceElementTiming PerformanceEventTiming PerformanceLongAnimationFrameTiming
    PerformanceLongTaskTiming PerformanceNavigation PerformanceNavigationTiming PerformancePaintTiming
    PerformanceScriptTiming PerformanceSoftNavigation PerformanceTiming PerformanceTimingConfidence PeriodicWave
    PermissionsPolicy PictureInPictureEvent PictureInPictureWindow Plugin PluginArray PointerEvent
    PointerTimeline PopStateEvent PortalActivateEvent PortalHost PreferenceManager PreferenceObject Presentation
    PresentationAvailability PresentationConnection PresentationConnectionAvailableEvent
    PresentationConnectionCloseEvent PresentationConnectionList PresentationReceiver PresentationRequest
    PressureObserver PressureRecord ProcessingInstruction Proofreader ProximitySensor PublicKeyCredential
    RTCCertificate RTCDTMFSender RTCDTMFToneChangeEvent RTCDataChannel RTCDataChannelEvent RTCDtlsTransport
    RTCEncodedAudioFrame RTCEncodedVideoFrame RTCError RTCErrorEvent RTCIceCandidate RTCIceCandidatePair
    RTCIceTransport RTCIdentityAssertion RTCPeerConnection RTCPeerConnectionIceErrorEvent
    RTCPeerConnectionIceEvent RTCRtpReceiver RTCRtpSFrameDecryptor RTCRtpSFrameEncryptor RTCRtpScriptTransform
    RTCRtpSender RTCRtpTransceiver RTCSctpTransport RTCSessionDescription RTCStatsReport RTCTrackEvent
    RadioNodeList Range RelativeOrientationSensor RemotePlayback ResizeObserver ResizeObserverEntry
    ResizeObserverSize Rewriter SFrameDecryptorStream SFrameEncryptorStream SFrameTransformErrorEvent
    SVGAElement SVGAngle SVGAnimateElement SVGAnimateMotionElement SVGAnimateTransformElement SVGAnimatedAngle
    SVGAnimatedBoolean SVGAnimatedEnumeration SVGAnimatedInteger SVGAnimatedLength SVGAnimatedLengthList
    SVGAnimatedNumber SVGAnimatedNumberList SVGAnimatedPreserveAspectRatio SVGAnimatedRect SVGAnimatedString
    SVGAnimatedTransformList SVGAnimationElement SVGCircleElement SVGClipPathElement
    SVGComponentTransferFunctionElement SVGDefsElement SVGDescElement SVGElement SVGEllipseElement
    SVGFEBlendElement SVGFEColorMatrixElement SVGFEComponentTransferElement SVGFECompositeElement
    SVGFEConvolveMatrixElement SVGFEDiffuseLightingElement SVGFEDisplacementMapElement SVGFEDistantLightElement
    SVGFEDropShadowElement SVGFEFloodElement SVGFEFuncAElement SVGFEFuncBElement SVGFEFuncGElement
    SVGFEFuncRElement SVGFEGaussianBlurElement SVGFEImageElement SVGFEMergeElement SVGFEMergeNodeElement
    SVGFEMorphologyElement SVGFEOffsetElement SVGFEPointLightElement SVGFESpecularLightingElement
    SVGFESpotLightElement SVGFETileElement SVGFETurbulenceElement SVGFilterElement SVGForeignObjectElement
    SVGGElement SVGGeometryElement SVGGradientElement SVGGraphicsElement SVGImageElement SVGLength SVGLengthList
    SVGLineElement SVGLinearGradientElement SVGMPathElement SVGMarkerElement SVGMaskElement SVGMetadataElement
    SVGNumber SVGNumberList SVGPathElement SVGPatternElement SVGPointList SVGPolygonElement SVGPolylineElement
    SVGPreserveAspectRatio SVGRadialGradientElement SVGRectElement SVGSVGElement SVGScriptElement SVGSetElement
    SVGStopElement SVGStringList SVGStyleElement SVGSwitchElement SVGSymbolElement SVGTSpanElement
    SVGTextContentElement SVGTextElement SVGTextPathElement SVGTextPositioningElement SVGTitleElement
    SVGTransform SVGTransformList SVGUnitTypes SVGUseElement SVGUseElementShadowRoot SVGViewElement Sanitizer
    Scheduling Screen ScreenDetailed ScreenDetails ScreenOrientation ScriptProcessorNode ScrollTimeline
    Selection Sensor SensorErrorEvent SequenceEffect Serial SerialPort ShadowAnimation ShadowRoot SharedWorker
    SnapEvent SourceBuffer SourceBufferList SpeechGrammar SpeechGrammarList SpeechRecognition
    SpeechRecognitionAlternative SpeechRecognitionErrorEvent SpeechRecognitionEvent SpeechRecognitionPhrase
    SpeechRecognitionResult SpeechRecognitionResultList SpeechSynthesis SpeechSynthesisErrorEvent
    SpeechSynthesisEvent SpeechSynthesisUtterance SpeechSynthesisVoice StaticRange StereoPannerNode Storage
    StorageAccessHandle StorageEvent StylePropertyMap StyleSheet StyleSheetList SubmitEvent Summarizer
    TaskAttributionTiming Text TextEvent TextFormat TextFormatUpdateEvent TextTrack TextTrackCue
    TextTrackCueList TextTrackList TextUpdateEvent TimeEvent TimeRanges ToggleEvent ToolActivatedEvent
    ToolCancelEvent Touch TouchEvent TouchList TrackEvent TransitionEvent Translator TreeWalker UIEvent
    UncalibratedMagnetometer UserActivation VTTCue VTTRegion ValidityState ValueEvent VideoColorSpace
    VideoDecoder VideoEncoder VideoFrame VideoPlaybackQuality VideoTrack VideoTrackList ViewTimeline
    ViewTransition ViewTransitionTypeSet Viewport VirtualKeyboard VisibilityStateEntry VisualViewport WakeLock
    WakeLockSentinel WaveShaperNode WheelEvent WindowControlsOverlay WindowControlsOverlayGeometryChangeEvent
    Worker Worklet WorkletAnimation Writer XMLDocument XMLHttpRequest XMLHttpRequestEventTarget
    XMLHttpRequestUpload XMLSerializer XPathEvaluator XPathExpression XPathResult XRAnchor XRAnchorSet XRBody
    XRBodySpace XRBoundedReferenceSpace XRCPUDepthInformation XRCamera XRCompositionLayer XRCubeLayer
    XRCylinderLayer XRDepthInformation XREquirectLayer XRFrame XRGPUBinding XRGPUDepthInformation XRGPUSubImage
    XRHand XRHitTestResult XRHitTestSource XRInputSource XRInputSourceArray XRInputSourceEvent
    XRInputSourcesChangeEvent XRJointPose XRJointSpace XRLayer XRLayerEvent XRLightEstimate XRLightProbe
    XRMediaBinding XRMesh XRMeshSet XRPermissionStatus XRPlane XRPlaneSet XRPose XRProjectionLayer XRQuadLayer
    XRRay XRReferenceSpace XRReferenceSpaceEvent XRRenderState XRRigidTransform XRSession XRSessionEvent XRSpace
    XRSubImage XRSystem XRTransientInputHitTestResult XRTransientInputHitTestSource XRView XRViewerPose
    XRViewport XRVisibilityMaskChangeEvent XRWebGLBinding XRWebGLDepthInformation XRWebGLLayer XRWebGLSubImage
    XSLTProcessor
"""

INTERFACES: dict[str, frozenset[str]] = {
    "ServiceWorkerGlobalScope": frozenset(_WORKER.split()),
    "Window": frozenset(_WORKER.split() + _WINDOW.split()),
}
"""Of each global scope the interfaces that are absent."""
