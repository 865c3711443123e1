"""The clauses of the reply law: each kind of mistake, how severe it is, which rule it breaks, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from triage.findings import Severity
from triage.wording import Wording


@dataclass(frozen=True, slots=True)
class Clause:
    """What the law says about one kind of mistake."""

    severity: Severity
    source: str
    """The reply rule that it breaks: R1 to R20."""
    hint: Wording
    """What to do; `{legal}` stands for the replies that the push takes."""


_USE_LEGAL = Wording("改为返回{legal}")
_SEND_RAW = Wording("让框架按纯文本输出，不要再做一次 JSON 或 HTML 序列化；应返回{legal}")
_SWAP_ADDRESSEES = Wording("ToUserName 和 FromUserName 要与推送里的对调")

# Findings are returned in this order: the one that explains most comes first.
CLAUSES: Final[Mapping[str, Clause]] = {
    "quoted_reply": Clause(Severity.HIGH, "R4", _SEND_RAW),
    "escaped_xml": Clause(Severity.HIGH, "R7", _SEND_RAW),
    "json_reply": Clause(Severity.HIGH, "R6", Wording("不要返回 JSON，改为返回{legal}")),
    "html_page": Clause(Severity.HIGH, "R6", Wording("查框架的错误日志和登录、拦截页，改为返回{legal}")),
    "error_text": Clause(Severity.HIGH, "R6", Wording("按这句报错查应用日志；出错时也要返回{legal}")),
    "bad_encoding": Clause(Severity.HIGH, "R7", Wording("用 UTF-8 编码输出，也不要压缩包体")),
    "doctype_refused": Clause(Severity.HIGH, "R7", Wording("删去 DOCTYPE，<xml> 之前什么都不要写")),
    "malformed_xml": Clause(
        Severity.HIGH, "R7", Wording("用 XML 库或模板生成回应，每个标签闭合，CDATA 以 ]]> 结束")
    ),
    "control_character": Clause(
        Severity.HIGH, "R7", Wording("写进 XML 之前滤掉 0x20 以下除 TAB、LF、CR 外的字符")
    ),
    "empty_reply": Clause(Severity.HIGH, "R15", _USE_LEGAL),
    "payment_refused": Clause(Severity.HIGH, "R19", Wording("查业务为何拒收这笔通知；收下后改为返回{legal}")),
    "wrong_payment_reply": Clause(Severity.HIGH, "R19", Wording("原样返回{legal}")),
    "echoed_push": Clause(Severity.HIGH, "R8", Wording("不要把推送原样发回，改为返回{legal}")),
    "success_in_xml": Clause(Severity.HIGH, "R4", Wording("直接输出 7 个字节 success，不要包进 XML")),
    "wrong_root": Clause(Severity.HIGH, "R8", Wording("根元素改成小写的 <xml>，不带命名空间")),
    "reply_not_allowed": Clause(Severity.HIGH, "R18", _USE_LEGAL),
    "not_encrypted": Clause(Severity.HIGH, "R14", Wording("加密后再回应，或者返回不用加密的 success")),
    "unexpected_envelope": Clause(Severity.HIGH, "R14", Wording("返回明文，或者核对后台的消息加解密方式")),
    "incomplete_envelope": Clause(
        Severity.HIGH, "R14", Wording("补齐 Encrypt、MsgSignature、TimeStamp、Nonce 四项")
    ),
    "wrong_addressees": Clause(Severity.HIGH, "R8", _SWAP_ADDRESSEES),
    "missing_field": Clause(Severity.HIGH, "R11", Wording("按官方文档补齐必填字段，值不能为空")),
    "unknown_msg_type": Clause(
        Severity.HIGH,
        "R10",
        Wording("MsgType 只能是 text、image、voice、video、music、news、transfer_customer_service"),
    ),
    "empty_content": Clause(
        Severity.HIGH, "R11", Wording("没有话要说就直接返回 success，不要返回空的 Content")
    ),
    "content_too_long": Clause(Severity.MEDIUM, "R12", Wording("截短或分条，多出来的改用客服消息")),
    "article_count_mismatch": Clause(Severity.MEDIUM, "R13", Wording("ArticleCount 按实际的 item 个数写")),
    "too_many_articles": Clause(Severity.MEDIUM, "R13", Wording("只留允许的条数，多出的会被丢掉")),
    "plain_text": Clause(Severity.HIGH, "R3", _USE_LEGAL),
    "bare_success_expected": Clause(
        Severity.MEDIUM, "R4", Wording("输出小写的 success，前后不要有空格、换行或 BOM")
    ),
    "leading_bytes": Clause(
        Severity.MEDIUM, "R7", Wording("去掉 <xml> 之前的 BOM，文件存成不带 BOM 的 UTF-8")
    ),
    # WeRoBot has begun every reply with a line end and blanks for ten years, and followers get them.
    "leading_blanks": Clause(Severity.INFO, "R7", Wording("平台不计较这些空白，可以不改；别的字符就不行了")),
    "bad_create_time": Clause(Severity.MEDIUM, "R9", Wording("CreateTime 写秒级时间戳，10 位整数")),
    "millisecond_create_time": Clause(Severity.LOW, "R9", Wording("毫秒时间戳除以 1000 取整")),
}
