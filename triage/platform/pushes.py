"""The catalogue of pushes: what the platform sends to a callback, and which replies each push takes.

The official table of which event takes which reply was never seen: `Push.grade` says how sure a row is.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from triage.platform.limits import MAX_ARTICLES, MAX_ARTICLES_TO_MESSAGE
from triage.wording import Wording

PAYMENT_REPLY = (
    "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
)


class Family(enum.StrEnum):
    """The element that names the push: MsgType, Event or InfoType; a payment notify names itself nowhere."""

    MESSAGE = "message"
    EVENT = "event"
    COMPONENT = "component"
    PAYMENT = "payment"


class AlertedPush(enum.StrEnum):
    """What alerts of one kind are about; it decides by which law the reply in their sample is judged."""

    MESSAGE = "message"
    """A message or an event: the sample says which."""
    TICKET = "ticket"
    COMPONENT = "component"
    PAYMENT = "payment"


class ReplyForm(enum.StrEnum):
    """The forms of a legal body. EMPTY is zero bytes; XML is the encrypted envelope in safe mode."""

    SUCCESS = "success"
    EMPTY = "empty"
    XML = "xml"
    PAYMENT_XML = "payment_xml"


class Grade(enum.StrEnum):
    """How well the legal replies are known for this very push."""

    CONFIRMED = "C"
    GENERAL = "G"
    UNVERIFIED = "U"


_ONLY_SUCCESS = frozenset({ReplyForm.SUCCESS})
_NO_MESSAGE = frozenset({ReplyForm.SUCCESS, ReplyForm.EMPTY})
_ANY_REPLY = frozenset({ReplyForm.SUCCESS, ReplyForm.EMPTY, ReplyForm.XML})
_ONLY_PAYMENT = frozenset({ReplyForm.PAYMENT_XML})
_LEGAL = {
    _ONLY_SUCCESS: " success",
    _NO_MESSAGE: Wording(" success 或空包体（0 字节）"),
    _ANY_REPLY: Wording(" success、空包体（0 字节）或回应 XML"),
    _ONLY_PAYMENT: f" {PAYMENT_REPLY}",
}


@dataclass(frozen=True, slots=True)
class Push:
    """One kind of push."""

    name: str
    """Its name on the wire."""
    family: Family
    meaning: str
    """What has happened, in Chinese."""
    replies: frozenset[ReplyForm]
    """The forms of reply that it takes."""
    grade: Grade
    """How sure that is."""
    alert_names: tuple[str, ...] = ()
    """Its names in `[Event=…]` and `[Msg=…]` of alerts."""
    msg_types: tuple[int, ...] = ()
    """The undocumented numbers seen as `[MsgType=…]` in alerts."""

    @property
    def article_limit(self) -> int:
        """How many news items a reply may hold (R13); the platform drops the surplus.

        The official page also limits replies to a push of type news, which does not exist.
        """
        is_single = self.family is Family.MESSAGE and self.name in _SINGLE_ARTICLE
        return MAX_ARTICLES_TO_MESSAGE if is_single else MAX_ARTICLES

    @property
    def legal(self) -> str:
        """The replies it takes, as Chinese text that follows a verb: ` success 或空包体（0 字节）`."""
        return _LEGAL[self.replies]

    @property
    def legal_in_short(self) -> str:
        """The same as `legal`, where a whole XML would bury the sentence that names it."""
        return Wording(" return_code 为 SUCCESS 的 XML") if self.family is Family.PAYMENT else self.legal

    @property
    def rule(self) -> str:
        """The reply rule that says which forms it takes."""
        if self.family is Family.EVENT:
            return {"LOCATION": "R16", "unsubscribe": "R17"}.get(self.name, "R18")
        return {Family.MESSAGE: "R3", Family.COMPONENT: "R15", Family.PAYMENT: "R19"}[self.family]

    @property
    def title(self) -> Wording:
        """Its name and what it means."""
        return Wording("{name}（{meaning}）", name=self.name, meaning=self.meaning)

    def __str__(self) -> str:
        return str(self.title)


_SINGLE_ARTICLE = frozenset({"text", "image", "voice", "video", "location"})

# https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html
REPLY_TYPES: Mapping[str, tuple[str, ...]] = {
    "text": ("Content",),
    "image": ("Image/MediaId",),
    "voice": ("Voice/MediaId",),
    "video": ("Video/MediaId",),
    "music": ("Music/ThumbMediaId",),
    "news": ("ArticleCount", "Articles/item"),
    "transfer_customer_service": (),
}
"""The MsgTypes of a passive reply, each with the elements it requires beside the four that all require."""


def _message(
    name: str,
    meaning: str,
    grade: Grade = Grade.CONFIRMED,
    *,
    alert_names: tuple[str, ...] = (),
    msg_types: tuple[int, ...] = (),
) -> Push:
    return Push(name, Family.MESSAGE, meaning, _ANY_REPLY, grade, alert_names, msg_types)


def _event(
    name: str,
    meaning: str,
    replies: frozenset[ReplyForm] = _NO_MESSAGE,
    grade: Grade = Grade.GENERAL,
    *,
    alert_names: tuple[str, ...] = (),
    msg_types: tuple[int, ...] = (),
) -> Push:
    return Push(name, Family.EVENT, meaning, replies, grade, alert_names, msg_types)


def _component(
    name: str,
    meaning: str,
    grade: Grade = Grade.GENERAL,
    *,
    alert_names: tuple[str, ...] = (),
    msg_types: tuple[int, ...] = (),
) -> Push:
    return Push(name, Family.COMPONENT, meaning, _ONLY_SUCCESS, grade, alert_names, msg_types)


_MESSAGES = (
    _message("text", "文本消息", alert_names=("Text",), msg_types=(1,)),
    _message("image", "图片消息"),
    _message("voice", "语音消息"),
    _message("video", "视频消息"),
    _message("shortvideo", "小视频消息"),
    _message("location", "地理位置消息"),
    _message("link", "链接消息"),
    _message("device_text", "设备文本消息，已下线", Grade.GENERAL),
    _message("device_event", "设备绑定与解绑，已下线", Grade.GENERAL),
    _message("device_status", "设备状态订阅，已下线", Grade.GENERAL),
    _message("hardware", "硬件消息，已下线", Grade.GENERAL),
)

_EVENTS = (
    _event("subscribe", "关注", _ANY_REPLY, alert_names=("Subscribe",), msg_types=(20002,)),
    _event("unsubscribe", "取消关注", alert_names=("UnSubscribe",), msg_types=(20002,)),
    _event("SCAN", "已关注的人扫带参数二维码", _ANY_REPLY, alert_names=("Scan QRCode",)),
    _event("LOCATION", "上报地理位置", _ONLY_SUCCESS, Grade.CONFIRMED, alert_names=("Location Report",)),
    _event("CLICK", "点菜单拉取消息", _ANY_REPLY, alert_names=("Click",)),
    _event("VIEW", "点菜单跳转链接", alert_names=("Click Menu Url",)),
    _event("view_miniprogram", "点菜单打开小程序"),
    _event("view_limited", "点菜单打开图文"),
    _event("miniprogram", "点菜单打开小程序"),
    _event("scancode_push", "菜单扫码", _ANY_REPLY),
    _event("scancode_waitmsg", "菜单扫码并等待回复", _ANY_REPLY),
    _event("pic_sysphoto", "菜单拍照"),
    _event("pic_photo_or_album", "菜单拍照或选相册"),
    _event("pic_weixin", "菜单选微信相册"),
    _event("location_select", "菜单选地理位置"),
    _event("TEMPLATESENDJOBFINISH", "模板消息发送结果", alert_names=("Template Send Job Finish",)),
    _event("MASSSENDJOBFINISH", "群发结果"),
    _event("subscribe_msg_popup_event", "订阅通知弹窗操作"),
    _event("subscribe_msg_change_event", "订阅通知设置变更"),
    _event("subscribe_msg_sent_event", "订阅通知发送结果"),
    _event("user_info_modified", "用户资料变更"),
    _event("user_authorization_revoke", "用户撤回授权"),
    _event("card_pass_check", "卡券审核通过"),
    _event("card_not_pass_check", "卡券审核未通过"),
    _event("user_get_card", "领取卡券"),
    _event("user_gifting_card", "转赠卡券"),
    _event("user_consume_card", "核销卡券"),
    _event("user_pay_from_pay_cell", "卡券买单"),
    _event("user_view_card", "查看会员卡"),
    _event("user_del_card", "删除卡券"),
    _event("user_enter_session_from_card", "从卡券进入会话"),
    _event("update_member_card", "会员卡内容更新"),
    _event("card_sku_remind", "卡券库存报警"),
    _event("card_pay_order", "券点流水变动"),
    _event("submit_membercard_user_info", "提交会员卡资料"),
    _event("merchant_order", "微信小店订单付款"),
    _event("user_authorize_invoice", "授权开票"),
    _event("kf_create_session", "客服接入会话", grade=Grade.UNVERIFIED),
    _event("kf_close_session", "客服关闭会话", grade=Grade.UNVERIFIED),
    _event("kf_switch_session", "客服转接会话", grade=Grade.UNVERIFIED),
    _event("ShakearoundUserShake", "摇一摇周边，已下线"),
    _event("ShakearoundLotteryBind", "摇一摇红包绑定，已下线"),
    _event("WifiConnected", "连接 Wi-Fi，已下线"),
    _event("user_scan_product", "打开商品主页"),
    _event("user_scan_product_enter_session", "从商品主页进入会话"),
    _event("user_scan_product_async", "商品扫码地理位置"),
    _event("user_scan_product_verify_action", "商品审核结果"),
    _event("subscribe_scan_product", "从商品主页关注"),
    _event("qualification_verify_success", "资质认证成功"),
    _event("qualification_verify_fail", "资质认证失败"),
    _event("naming_verify_success", "名称认证成功"),
    _event("naming_verify_fail", "名称认证失败"),
    _event("annual_renew", "年审通知"),
    _event("verify_expired", "认证过期"),
    _event("wxa_media_check", "内容安全检测结果"),
    _event("weapp_audit_success", "小程序审核通过"),
    _event("weapp_audit_fail", "小程序审核未通过"),
    _event("weapp_audit_delay", "小程序审核延后"),
    _event("wxa_nickname_audit", "小程序名称审核结果"),
    _event("wxa_illegal_record", "小程序违规记录"),
    _event("wxa_appeal_record", "小程序申诉记录"),
    _event("wxa_privacy_apply", "隐私接口申请结果"),
    _event("wxa_category_audit", "小程序类目审核结果"),
    _event("wx_verify_pay_succ", "微信认证支付成功"),
    _event("wx_verify_dispatch", "微信认证派单"),
    _event("trade_manage_remind_shipping", "提醒发货"),
    _event("trade_manage_order_settlement", "订单结算"),
    _event("open_product_order_pay", "商品订单支付"),
)

# https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/2.0/api/Before_Develop/component_verify_ticket.html
_COMPONENTS = (
    _component(
        "component_verify_ticket",
        "第三方平台 ticket",
        Grade.CONFIRMED,
        alert_names=("Component Ticket",),
        msg_types=(20100,),
    ),
    _component("authorized", "授权成功", Grade.CONFIRMED),
    _component("unauthorized", "取消授权", Grade.CONFIRMED),
    _component("updateauthorized", "授权更新", Grade.CONFIRMED),
    _component("notify_third_fasteregister", "快速注册小程序结果"),
    _component("notify_third_fastregisterbetaapp", "试用小程序注册结果"),
    _component("notify_third_fastverifybetaapp", "试用小程序认证结果"),
    _component("wxa_nickname_audit", "小程序名称审核结果"),
    _component("notify_icpfiling_verify_result", "备案人脸核身结果"),
    _component("notify_apply_icpfiling_result", "备案申请结果"),
    _component("notify_3rd_wxa_auth", "小程序认证结果"),
    _component("notify_3rd_wxa_wxverify", "小程序微信认证结果"),
    _component("order_path_apply_result_notify", "订单页路径申请结果"),
)

PAYMENT_NOTIFY = Push(
    "payment_notify",
    Family.PAYMENT,
    "支付完成事件",
    _ONLY_PAYMENT,
    Grade.CONFIRMED,
)

PUSHES: tuple[Push, ...] = (*_MESSAGES, *_EVENTS, *_COMPONENTS, PAYMENT_NOTIFY)

UNKNOWN_PUSH = _message("unknown", "类型不明的推送", Grade.UNVERIFIED)
"""Stands for a push that is not known: its reply is judged like one to a message."""
COMPONENT_INFO = _component(
    "Component Info", "授权变更等第三方平台消息", alert_names=("Component Info",), msg_types=(20101,)
)
"""Alerts write this for every InfoType but the ticket, so that they do not tell which one it was."""

EXAMPLE_FIELDS: Mapping[str, Mapping[str, str]] = {
    "text": {"Content": "你好"},
    "image": {"PicUrl": "http://mmbiz.qpic.cn/probe", "MediaId": "probe"},
    "voice": {"MediaId": "probe", "Format": "amr"},
    "video": {"MediaId": "probe", "ThumbMediaId": "probe"},
    "shortvideo": {"MediaId": "probe", "ThumbMediaId": "probe"},
    "location": {"Location_X": "23.134521", "Location_Y": "113.358803", "Scale": "20", "Label": "广州市"},
    "link": {"Title": "公众平台", "Description": "链接", "Url": "https://mp.weixin.qq.com/"},
    "subscribe": {"EventKey": ""},
    "LOCATION": {"Latitude": "23.137466", "Longitude": "113.352425", "Precision": "119.385040"},
    "SCAN": {"EventKey": "1", "Ticket": "probe"},
    "CLICK": {"EventKey": "probe"},
    "VIEW": {"EventKey": "https://mp.weixin.qq.com/"},
    "TEMPLATESENDJOBFINISH": {"MsgID": "200163836", "Status": "success"},
    "component_verify_ticket": {"ComponentVerifyTicket": "ticket@@@probe"},
    "authorized": {
        "AuthorizerAppid": "wx0000000000000000",
        "AuthorizationCode": "probe",
        "PreAuthCode": "probe",
    },
    "updateauthorized": {"AuthorizerAppid": "wx0000000000000000", "AuthorizationCode": "probe"},
    "unauthorized": {"AuthorizerAppid": "wx0000000000000000"},
    "unsubscribe": {"EventKey": ""},
    "view_miniprogram": {"EventKey": "pages/index/index", "MenuId": "418"},
    "MASSSENDJOBFINISH": {
        "MsgID": "1000001625",
        "Status": "send success",
        "TotalCount": "100",
        "FilterCount": "80",
        "SentCount": "75",
        "ErrorCount": "5",
    },
    "kf_create_session": {"KfAccount": "probe@probe"},
    "kf_close_session": {"KfAccount": "probe@probe"},
    "kf_switch_session": {"FromKfAccount": "probe@probe", "ToKfAccount": "other@probe"},
}
"""By wire name, what the platform sends beside the fields that every push has."""


def find_push(name: str, family: Family | None = None) -> Push | None:
    """The push of this wire name in any letter case; None where the catalogue has none.

    `location` (a message) and `LOCATION` (an event) differ in case only: without a family the exact name wins, then the
    first in the catalogue.
    """
    named = [push for push in _BY_WIRE_NAME.get(name.casefold(), ()) if family in (None, push.family)]
    exact = (push for push in named if push.name == name)
    return next(exact, named[0] if named else None)


def push_of_alert(
    event: str | None, msg: str | None, msg_type: int | None, about: AlertedPush = AlertedPush.MESSAGE
) -> Push | None:
    """The push that an alert is about; None where its sample does not name one of the catalogue.

    `event`, `msg` and `msg_type` are the sample's `[Event=]`, `[Msg=]` and `[MsgType=]`. Event is the true one:
    `[Msg=Subscribe][Event=UnSubscribe]` is an unsubscribe. The number is used last, and only if it was seen with one
    push alone.
    """
    if about is not AlertedPush.MESSAGE:
        return _BY_ALERTED[about]
    if event and event.strip():
        return _BY_EVENT.get(_folded(event))
    if msg and (push := _BY_MSG.get(_folded(msg))):
        return push
    return None if msg_type is None else _BY_NUMBER.get(msg_type)


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _by_name(*pushes: Push) -> dict[str, Push]:
    index: dict[str, Push] = {}
    for push in pushes:
        for name in (*push.alert_names, push.name):
            index.setdefault(_folded(name), push)
    return index


def _by_number(*pushes: Push) -> dict[int, Push]:
    carriers = Counter(number for push in pushes for number in push.msg_types)
    return {number: push for push in pushes for number in push.msg_types if carriers[number] == 1}


def _by_wire_name(pushes: tuple[Push, ...]) -> dict[str, list[Push]]:
    index: dict[str, list[Push]] = {}
    for push in pushes:
        index.setdefault(push.name.casefold(), []).append(push)
    return index


_BY_WIRE_NAME = _by_wire_name(PUSHES)
_BY_ALERTED = {
    AlertedPush.TICKET: find_push("component_verify_ticket", Family.COMPONENT),
    AlertedPush.COMPONENT: find_push("unauthorized", Family.COMPONENT),
    AlertedPush.PAYMENT: PAYMENT_NOTIFY,
}
"""Every component push takes the same replies, so any of them stands for the one that the alert does not name."""
_BY_EVENT = _by_name(*_EVENTS, *_COMPONENTS, COMPONENT_INFO)
_BY_MSG = _by_name(*_MESSAGES, *_EVENTS, COMPONENT_INFO)
_BY_NUMBER = _by_number(*PUSHES, COMPONENT_INFO)
