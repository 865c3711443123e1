"""What each finding says, which alerts it explains, and what to run next.

The ids are those of the contract's corpus of evidence; each tool's module holds the thresholds and their sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """A finding in words."""

    says: str
    """What is so, in Chinese, in a few words: 内存换页."""
    explains: tuple[str, ...] = ()
    """Ids of the alert kinds that it can cause."""
    next: str = ""
    """The command or the look that follows, in Chinese; `""` for none."""


_SLOW = ("request_timeout", "connect_timeout")
_BAD = ("bad_response",)
_RELOAD = "改好后 nginx -t && nginx -s reload"

FINDINGS: Mapping[str, Meaning] = {
    # uptime, vmstat
    "load_high": Meaning("负载高过核数", _SLOW, "vmstat 1 5"),
    "load_unknown_cpus": Meaning("不知道几核，判断不了负载", (), "nproc"),
    "load_rising": Meaning("负载还在涨", _SLOW, "top -b -n 1 | head -20"),
    "load_falling": Meaning("负载在回落", (), ""),
    "just_rebooted": Meaning(
        "机器刚重启过", ("connect_timeout", "request_timeout"), "last -x reboot | head -3"
    ),
    "cpu_saturated": Meaning("CPU 用满", _SLOW, "top -b -n 1 | head -20"),
    "run_queue": Meaning("任务在排队等 CPU", _SLOW, "top -b -n 1 | head -20"),
    "io_wait": Meaning("CPU 在等磁盘", ("request_timeout",), "iostat -x 1 3"),
    "blocked": Meaning("有进程卡在磁盘上", ("request_timeout",), "iostat -x 1 3"),
    "steal": Meaning("CPU 被宿主机占走", _SLOW, "找云厂商，或换一台机器"),
    "swapping": Meaning("内存换页", ("request_timeout",), "free -m"),
    "swap_used_but_idle": Meaning("用过交换区，现在不换页", (), ""),
    "only_since_boot": Meaning("只有一个样本，是开机以来的平均", (), "vmstat 1 5"),
    "one_core_full": Meaning("一个核用满，别的闲着", _SLOW, "mpstat -P ALL 1 3"),
    "no_history": Meaning("sar 没有历史数据", (), "打开 sysstat 的采集"),
    # memory, disks
    "mem_low": Meaning("可用内存不够", ("request_timeout", "bad_response"), "ps aux --sort=-rss | head"),
    "swap_used": Meaning("交换区用得多", (), "vmstat 1 5"),
    "swap_full": Meaning("交换区快用完", ("request_timeout",), "vmstat 1 5"),
    "disk_slow": Meaning("磁盘慢", ("request_timeout",), "pidstat -d 1 3"),
    "util_misleading": Meaning("%util 高但不慢，并行设备上不算满", (), ""),
    "disk_full": Meaning(
        "磁盘满了", ("request_timeout", "bad_response"), "du -xh --max-depth=2 / | sort -rh | head"
    ),
    "disk_nearly_full": Meaning("磁盘快满了", (), "du -xh --max-depth=2 / | sort -rh | head"),
    "inode_full": Meaning("inode 用完了", ("request_timeout", "bad_response"), "找文件最多的目录"),
    # limits, cgroups, kernel
    "nofile_low": Meaning("能打开的文件太少", _SLOW, "cat /proc/$(pgrep -n nginx)/limits"),
    "shell_limit_only": Meaning("这是外壳的限制，不是服务的", (), "cat /proc/$(pgrep -n nginx)/limits"),
    "cpu_throttled": Meaning("容器的 CPU 被限", ("request_timeout",), "加大容器的 CPU 上限"),
    "cgroup_oom": Meaning(
        "容器内存超限，进程被杀", ("bad_response", "request_timeout"), "加大容器的内存上限"
    ),
    "oom_kill": Meaning("内存用完，进程被杀", ("bad_response", "request_timeout"), "free -m"),
    "conntrack_full": Meaning(
        "连接跟踪表满，丢包", ("connect_timeout",), "sysctl net.netfilter.nf_conntrack_max"
    ),
    "syn_flood": Meaning("半连接队列满", ("connect_timeout",), "ss -lnt"),
    "disk_error": Meaning("磁盘报错", ("request_timeout",), "联系云厂商或换盘"),
    "read_only_fs": Meaning("文件系统变成只读", ("bad_response",), "mount | grep ro,"),
    "hung_task": Meaning("进程卡在内核里", ("request_timeout",), "iostat -x 1 3"),
    "cpu_stalled": Meaning("任务在等 CPU", _SLOW, "top -b -n 1 | head -20"),
    "memory_stalled": Meaning("任务在等内存", ("request_timeout",), "free -m"),
    "io_stalled": Meaning("任务在等磁盘", ("request_timeout",), "iostat -x 1 3"),
    "tw_overflow": Meaning("TIME_WAIT 超过上限", (), "ss -s"),
    # links and connections
    "bandwidth_full": Meaning("带宽跑满", _SLOW, "sar -n DEV 1 3"),
    "ifutil_unknown": Meaning("流量大，网卡没报速率", (), "和买的带宽比"),
    "retransmits": Meaning("重传多", _SLOW, "mtr -rn 对方地址"),
    "close_wait": Meaning("程序不关连接", _SLOW, "ss -antp state close-wait | head"),
    "syn_recv_many": Meaning("半连接太多", ("connect_timeout",), "nstat -az TcpExtListenOverflows"),
    "syn_sent_many": Meaning("我们连别人连不上", ("request_timeout",), "ss -ant state syn-sent | head"),
    "time_wait_many": Meaning("TIME_WAIT 很多", (), "看本地端口够不够"),
    "estab_many": Meaning("连接很多", (), "ss -ant state established | head"),
    "last_ack_many": Meaning("收尾的连接多，像在丢包", (), "mtr -rn 对方地址"),
    "orphaned_many": Meaning("孤儿连接多", (), "sysctl net.ipv4.tcp_max_orphans"),
    "listen_queue_full": Meaning("监听队列满", ("connect_timeout",), "加大 backlog 和 somaxconn"),
    "no_web_listener": Meaning(
        "没有进程监听网站的端口", ("connect_timeout", "bad_response"), "systemctl status nginx"
    ),
    "listen_overflows": Meaning("监听队列溢出过", ("connect_timeout",), "10 秒后再看一次，看涨不涨"),
    "rising": Meaning("还在涨", ("connect_timeout",), "ss -lnt"),
    # the way to the other side
    "packet_loss": Meaning("丢包", _SLOW, "mtr -rn 对方地址"),
    "no_answer": Meaning("全部没有回，可能只是不回 ping", (), "curl -sv -m 5 回调地址"),
    "unreachable": Meaning("被拒绝或不可达", ("connect_timeout",), "查路由和防火墙"),
    "name_not_resolved": Meaning("域名解析不了", ("dns_failure",), "dig 域名"),
    "rtt_high": Meaning("来回太慢", (), "mtr -rn 对方地址"),
    "loss_at_destination": Meaning("终点丢包", _SLOW, "换个时间再测，联系运营商"),
    "middle_hop_loss": Meaning("只有中间丢，不算", (), ""),
    "not_tried": Meaning("从这台机器试不出来", (), "换一台能上外网的机器再看"),
    "path_ends": Meaning("后面几跳没有回，可能只是不回", (), "curl -sv -m 5 回调地址"),
    "nxdomain": Meaning("没有这个域名", ("dns_failure",), "查到期和拼写"),
    "servfail": Meaning("权威 DNS 出错", ("dns_failure",), "查 DNS 服务商"),
    "no_address": Meaning("没有 A 记录", ("dns_failure", "dns_invalid_domain"), "加 A 记录"),
    "dns_timeout": Meaning("DNS 没有回应", ("dns_timeout", "dns_failure"), "换一个 DNS 再查"),
    "other_address": Meaning("结果里没有报警样例的 IP", ("connect_timeout",), "核对哪个是现在的公网入口"),
    "private_address": Meaning("解析到内网地址", ("dns_invalid_domain", "connect_timeout"), "改成公网 IP"),
    "cname": Meaning("中间有 CNAME", (), ""),
    "other_record": Meaning("问的不是 A 记录，微信要的是 A 记录", (), "dig 域名"),
    # curl, certificates, the platform's checks
    "connection_refused": Meaning("连接被拒", ("bad_response", "connect_timeout"), "ss -lnt"),
    "connect_timeout": Meaning("连不上，超时", ("connect_timeout",), "查防火墙和安全组"),
    "response_timeout": Meaning("连上了，等不到回应", ("request_timeout",), "看应用卡在哪里"),
    "empty_reply": Meaning("连上了，一个字节没回", _BAD, "看 error.log"),
    "tls_failed": Meaning("TLS 握手不成", _BAD, "openssl s_client -connect 域名:443 -servername 域名"),
    "curl_error": Meaning("curl 没跑成", (), "看它报的错"),
    "bad_certificate": Meaning("证书验不过", _BAD, "openssl s_client -connect 域名:443 -servername 域名"),
    "redirect": Meaning("在跳转，微信不跟随", _BAD, "后台填最终地址"),
    "http_status": Meaning("状态码不是 200", _BAD, "看是谁回的"),
    "unsigned_refused": Meaning("没签名被拒，属于正常", (), ""),
    "slower_than_5s": Meaning("超过 5 秒", ("request_timeout",), "看慢在哪一段"),
    "connect_slow": Meaning("连接慢", ("connect_timeout",), "ss -lnt"),
    "dns_slow": Meaning("解析慢", ("dns_timeout",), "dig 域名"),
    "slow_answer": Meaning("回应慢", ("request_timeout",), "看应用日志"),
    "chain_incomplete": Meaning("证书链不全", _BAD, "装上中间证书"),
    "cert_expired": Meaning("证书过期", _BAD, "换证书后 reload"),
    "cert_expires_soon": Meaning("证书快到期", (), "续期后 reload，给自动续期加监控"),
    "self_signed": Meaning("自签名证书", _BAD, "换成受信任的证书"),
    "no_tls": Meaning("这个端口不说 TLS", _BAD, "看 nginx 的 listen"),
    "only_verify_line": Meaning("只有一行，证明不了", (), "把整段输出粘过来"),
    "ping_loss": Meaning("微信 ping 我们有丢包", (), "隔几分钟再测一次"),
    "check_error": Meaning("检测接口报错", (), "看 errmsg"),
    "token_invalid": Meaning("access_token 失效", (), "重取一个再试"),
    "ip_not_allowed": Meaning("出口 IP 不在白名单", (), "加进 IP 白名单"),
    # nginx, php-fpm, MySQL, Java
    "config_invalid": Meaning("配置有错，下次 reload 会失败", _BAD, "改好再 nginx -t"),
    "slash_comment": Meaning("用了 // 注释", (), "改成 #"),
    "outside_http": Meaning("指令不在 http 里", (), "移进 http 块"),
    "upstream_name": Meaning("upstream 的名字解析不了", (), "dig 这个名字"),
    "fullwidth": Meaning("用了全角标点，或看不见的空白", (), "改成半角"),
    "unknown_log_format": Meaning("用了没定义的日志格式", _BAD, "先写 log_format"),
    "redirect_callback": Meaning("把回调跳转走了，微信不跟跳转", _BAD, "回调路径不跳转"),
    "deny_wechat": Meaning("deny 把微信挡在外面", _BAD, "取 getcallbackip，放行这些网段"),
    "pushes_refused": Meaning("登录、方法或请求头的限制把推送挡在外面", _BAD, "给回调路径去掉这条限制"),
    "port_not_80_443": Meaning("没有监听 80、443，微信只连这两个", ("connect_timeout",), "listen 80 或 443"),
    "rlimit_low": Meaning("文件句柄不到连接数的两倍", ("connect_timeout",), _RELOAD),
    "no_request_time": Meaning("日志里没有耗时", (), "log_format 加上两个耗时字段"),
    "access_log_off": Meaning("回调不记访问日志", (), "打开 access_log"),
    "masks_errors": Meaning("把出错改成 200", _BAD, "error_page 去掉 =200"),
    "rate_limit_callback": Meaning("回调上有限流", _BAD, "回调路径不限流"),
    "body_size_small": Meaning("正文上限太小，推送会被 413", _BAD, _RELOAD),
    "path_rewritten": Meaning("转发时丢了路径前缀", _BAD, "proxy_pass 末尾去掉 /"),
    "connections_low": Meaning("worker_connections 太少", ("connect_timeout",), _RELOAD),
    "read_timeout_over_5s": Meaning("等后端的时间比微信的 5 秒还长", ("request_timeout",), _RELOAD),
    "connect_timeout_over_3s": Meaning("连后端等得太久", ("request_timeout",), _RELOAD),
    "error_level_hides": Meaning("错误日志的级别太高，后端出错看不到", (), "级别改成 warn"),
    "log_buffer_no_flush": Meaning("日志有缓冲没有 flush，会晚到", (), "加 flush=5s"),
    "hides_499": Meaning("微信已断开也记成 200", (), "proxy_ignore_client_abort off"),
    "real_ip_any": Meaning("谁都能伪造来源 IP", (), "只信自己的代理"),
    "no_upstream_keepalive": Meaning("到后端没有长连接（1.29.7 起默认有）", (), "upstream 里加 keepalive"),
    "keepalive_ineffective": Meaning("keepalive 没生效，还是短连接", (), "加 HTTP/1.1 和空的 Connection"),
    "error_log_off": Meaning("off 是文件名，关不掉错误日志", (), "写一个真的路径"),
    "if_evil": Meaning("location 里的 if 可能不照写的生效", (), "if 里只放 return 或 rewrite … last"),
    "buffering_off": Meaning("关了缓冲，慢客户端会占住后端", (), ""),
    "tls13_only": Meaning("只有 TLS 1.3，老客户端连不上", (), "ssl_protocols TLSv1.2 TLSv1.3"),
    "config_warning": Meaning("配置有警告", (), "看警告说的文件和行"),
    "not_root": Meaning("不是 root，不能算数", (), "加 sudo 再跑"),
    "upstream_refused": Meaning("后端没起来", _BAD, "systemctl status 后端"),
    "upstream_connect_timeout": Meaning("连后端超时", ("request_timeout",), "查后端的负载和防火墙"),
    "upstream_slow": Meaning("后端太慢", ("request_timeout",), "看这台后端的日志"),
    "upstream_reset": Meaning("后端断开连接", _BAD, "看后端有没有重启"),
    "upstream_closed": Meaning("后端没答完就关了", _BAD, "看后端有没有崩溃"),
    "upstream_invalid": Meaning("后端回的头 nginx 不认", _BAD, "看后端回的头，或加大 proxy_buffer_size"),
    "worker_killed": Meaning("nginx 的进程被杀或崩了", _BAD, "dmesg -T | tail"),
    "no_live_upstream": Meaning("后端全被摘掉", _BAD, "恢复后端"),
    "worker_connections_full": Meaning("nginx 的连接数用完", ("connect_timeout",), "加大 worker_connections"),
    "nofile_full": Meaning("打开的文件用完", ("connect_timeout",), "加大 worker_rlimit_nofile"),
    "ports_exhausted": Meaning("本地端口用光", _BAD, "上游用长连接"),
    "fpm_socket_full": Meaning("php-fpm 排队满了", _BAD, "看 php-fpm status"),
    "selinux_denied": Meaning("SELinux 不让连", _BAD, "setsebool -P httpd_can_network_connect 1"),
    "rate_limited": Meaning("被 nginx 限流", _BAD, "回调路径不限流"),
    "forbidden_by_rule": Meaning("被 deny 拒了", _BAD, "放行微信 IP"),
    "client_gave_up": Meaning("对方等不及断开了", ("request_timeout",), "看这些请求用了几秒"),
    "scanner_noise": Meaning("扫描器的噪音", (), ""),
    "body_buffered": Meaning("正文落了临时文件，不碍事", (), ""),
    "status_499_at_5s": Meaning("微信等满 5 秒断开", ("request_timeout",), "看慢在哪台后端"),
    "status_502": Meaning("后端连不上或断开", _BAD, "看 error.log"),
    "status_504": Meaning("后端太慢", ("request_timeout",), "看慢在哪台后端"),
    "status_500": Meaning("程序抛了异常", _BAD, "看应用日志"),
    "status_404": Meaning("路径不对", _BAD, "对照后台填的路径"),
    "status_403": Meaning("被拒绝", _BAD, "看是谁回的"),
    "status_413": Meaning("请求体太大", _BAD, "加大 client_max_body_size"),
    "status_503_self": Meaning("nginx 自己拒的", _BAD, "看限流"),
    "slow_ge_3s": Meaning("有超过 3 秒的", ("request_timeout",), "先回 success"),
    "retried_upstream": Meaning("换过后端才成", (), "看第一台后端"),
    "no_timing_fields": Meaning("日志没记耗时，看不出快慢", (), "log_format 加 $request_time"),
    "connections_dropped": Meaning("nginx 丢过连接", ("connect_timeout",), "加大 worker_connections"),
    "fpm_queue": Meaning("php-fpm 在排队", ("request_timeout",), "看慢日志"),
    "fpm_max_children": Meaning("php-fpm 进程用满", ("request_timeout",), "看慢日志，再调 pm.max_children"),
    "fpm_slow": Meaning("PHP 跑得慢", ("request_timeout",), "看慢日志停在哪里"),
    "fpm_child_killed": Meaning("PHP 进程被杀", _BAD, "dmesg -T | tail"),
    "mysql_lock": Meaning("MySQL 在等锁", ("request_timeout",), "SHOW ENGINE INNODB STATUS"),
    "mysql_slow_query": Meaning("MySQL 有慢查询", ("request_timeout",), "EXPLAIN 这条查询"),
    "mysql_too_many": Meaning("MySQL 连接太多", ("request_timeout",), "看是谁占着"),
    "deadlock": Meaning("Java 死锁", ("request_timeout",), "重启，按死锁的两处改"),
    "threads_blocked": Meaning("请求线程等同一把锁", ("request_timeout",), "隔 5 秒再取两次"),
    "threads_wait_backend": Meaning("请求线程在等后端", ("request_timeout",), "给外部调用设短超时"),
    # what triage's own commands say
    "never_arrived": Meaning(
        "失败的推送没到这台 nginx", ("connect_timeout", "dns_failure"), "从外网查解析、端口、证书和防火墙"
    ),
    "late_backend": Meaning("推送进来了，我们慢了", ("request_timeout",), "看最慢的那台后端"),
    "refused_by_nginx": Meaning("推送被 nginx 拒绝或跳转了", _BAD, "看 return、deny、limit_req"),
    "wrong_answer": Meaning("推送进来了，回得不对", _BAD, "看 error.log 和应用日志"),
    "answered_in_time": Meaning("推送按时回了 200，丢在回去的路上", (), "查出口的丢包、防火墙和前面一层"),
    "log_cannot_tell": Meaning("日志看不出", (), "照依据说的补上再看"),
    "probe_failed": Meaning("探测没通过", (), "先修最先不通的那一层"),
    "probe_trifle": Meaning("探测有小毛病", (), ""),
    # any
    "truncated": Meaning("没有粘全", (), "把整段输出再粘一次"),
}
