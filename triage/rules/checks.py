"""The machine checks that a step may name: what `triage doctor`, `logs`, `nginx`, `probe` and pasted output report."""

from __future__ import annotations

from collections.abc import Mapping

CHECKS: Mapping[str, str] = {
    "access_log": "接入层日志",
    "answer_time": "回应用时",
    "app_workers": "应用的进程",
    "callback_check": "微信的网络检测",
    "callback_ip": "放行微信 IP",
    "component_ticket": "ticket 的回应",
    "dns_system": "域名解析",
    "dns_wechat": "微信 DNS 的解析",
    "echo": "验证 URL",
    "egress_ip": "出口 IP",
    "fd_limit": "文件句柄",
    "host_disk": "磁盘",
    "host_load": "负载和 CPU",
    "host_memory": "内存",
    "jstack": "Java 线程",
    "listen_queue": "监听队列",
    "mysql_processlist": "MySQL",
    "nginx_config": "nginx 配置",
    "php_fpm_status": "php-fpm",
    "reply_law": "回应的内容",
    "retry": "重推去重",
    "signature_refused": "验签",
    "tcp_connect": "TCP 连接",
    "tcp_states": "连接状态",
    "timestamp_refused": "旧请求重放",
    "tls": "证书和 TLS",
    "url": "回调地址",
}
"""By id, in Chinese, what each looks at; `evidence.checks` says what decides them."""
