"""The help of each command in Chinese, by the command's words; a test holds that none is missing or left over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COMMANDS: Final[Mapping[str, str]] = {
    "": "读微信推送失败的报警，回对应的排查清单。",
    "ask": """\
看机器人对一条报警或一句话会怎么回，一页一页地。

TEXT 就是那条消息；不写就从 --file 或标准输入读；文件可以是截图。""",
    "config": "列出每项设置的值和它从哪里来，密钥不显示。",
    "db": "照管 TRIAGE_DATABASE_URL 指的那个数据库。",
    "db backup": "把 SQLite 数据库完整地复制到 FILE，服务不用停；数据库服务器用它自己的工具备份。",
    "db check": "看数据库有没有回应、表结构对不对；不对就以 2 退出。",
    "db purge": "删掉比 TRIAGE_RETENTION_DAYS 更早的消息、报警和事件。`triage serve` 每天自己做一次。",
    "db restore": """\
把 `triage db backup` 做的 FILE 放回 SQLite 数据库的位置，并升级到最新。

原来的留在旁边。正在运行的服务会发现文件换了，重启前不再记东西。""",
    "db upgrade": "建表，或把表升级到最新。先备份数据库。",
    "doctor": """\
看这台机器两秒钟：负载、内存、磁盘、各种上限、连接，还有到回调的路。

给了报警，就把它的检查步骤也打印出来，每步标上查到的。

什么都不改，不用 root；只有 root 看得到的会写明。有病或可疑就以 1 退出。""",
    "export": """\
打印 TABLE 的每一行，时间是 UTC。里面有大家写的话，输出不要外传。

TABLE 是 alerts、audit、conversations、gaps、incidents、invitations、members、messages、outbox、shifts、sign_ins、ticks、
timeline、traits 或 voided_links。消息的 reply 是发出去的原样；CSV 里会被电子表格当成公式的格子，开头加一个单引号。""",
    "invite": "给 NAME 一个邀请词：一天内谁把打印的这句发给机器人，谁就是这个成员。",
    "judge": """\
判断 FILE 或标准输入里的工具输出、日志和 nginx 配置：是哪个工具，有没有病，哪一行说明的。

FILE 可以是截图。有一段有病或可疑，就以 1 退出。""",
    "logs": """\
按接入层日志 LOG 说清：报警里失败的那些推送进来没有、怎么回的。轮转出去的、gzip 和 zstd 的一起给也行。

先到窗口那几分钟的位置再读，日志多大都一样快。失败的推送进来了、也按时回了，才以 0 退出，否则 1。""",
    "members": "看有哪些成员，改他们看哪些号、当什么，或移除一个。加成员用 `triage invite`。",
    "members change": "改 NAME 看哪些号，或改身份；NAME 也可以是 `triage members list` 的最后一列。",
    "members list": "打印每个成员：名字、身份、看哪些号、在哪个渠道上是谁。",
    "members remove": "让 NAME 不再是成员：认领的事件放开，没用掉的邀请词作废。",
    "menu": "看公众号的自定义菜单，或者把它推到微信。",
    "menu push": """\
换掉一个号的菜单，手机上五分钟内看到新的。

要用这个号的 AppID 和 AppSecret：TRIAGE_WECHAT_APPID 和 TRIAGE_WECHAT_SECRET。""",
    "menu show": "打印菜单的 JSON，有错就指出来。",
    "nginx": """\
判断 CONF 或标准输入里的 nginx 配置：哪里会丢、拖慢或看不见微信的推送，改成什么样。

CONF 里 include 的文件也读。标准输入可以是 `nginx -v; nginx -T` 的输出、一个文件或一段。没有 `nginx -v` 那行就不知道版本，
到后端的长连接按 1.29.7 之前判断。

有发现就以 1 退出。""",
    "outbox": """\
打印最近要自己发出去的消息，没发出去的写明原因。有没发出去的就以 1 退出。

时间是北京时间；消息里写了什么不打印。""",
    "parse": """\
看 FILE 或标准输入里有哪些报警，哪些字没读懂。

FILE 可以是截图（PNG、JPEG、WebP、GIF），前提是装了读图的功能。""",
    "probe": """\
像微信那样把 URL 这个回调检查一遍；有问题就以 1 退出，见 --fail-on。

查域名、TCP、TLS、验证、伪造的请求、各种推送、耗时、重推。只连 URL 里的主机，只连公网地址，不跟随跳转。

推送来自不存在的 OpenID：生产回调可能因此多记几个并不存在的粉丝。心跳只推不留这种痕迹的。""",
    "push": """\
像微信那样现在就推一次到 URL，判断回应合不合法；不合法就以 1 退出。

KIND 是消息、事件或第三方平台推送在报文里的名字：text（默认）、subscribe、CLICK、component_verify_ticket……或 unknown_event。
有 --from-alert 时两个都可以不写；报警里的主机要用 --allow 点名。""",
    "rules": "检查、测试、列出、查看、新建、解释和试用规则。",
    "rules check": "检查 DIRECTORIES 里的规则（默认是用到的全部），每处错带上那一行。",
    "rules gaps": """\
列出没有规则接住的：没答上来的问题、没人选的候选、认不出的报警。

次数多的在前，每条带上离它最近的话题，改一改就是一个别名或例子。""",
    "rules list": "列出用到的规则。",
    "rules new": "照 FILE 或标准输入里的报警写出一条规则的开头。",
    "rules replay": """\
拿存下的报警试 DIR 里的规则，打印和现在答得不一样的；有不一样的就以 1 退出。

自带规则两边都算。不写 --rules，看的是 TRIAGE_RULES_DIRS 在自带规则上改了什么。""",
    "rules schema": "打印规则格式的 JSON Schema：编辑器照它补全，边写边查错。",
    "rules show": "看一条规则的步骤、条件和出处。",
    "rules test": "拿全部规则跑全部规则的例子，DIRECTORIES 里的也算。",
    "rules why": "解释 FILE 或标准输入里的报警或问题匹配了哪些规则，别的为什么没匹配。",
    "serve": """\
运行服务：回调、控制台、API、健康检查和指标。

什么都没设时是演示：浏览器里的聊天页，不需要公众号。""",
    "simulate": """\
像微信那样推给一个有病的回调，看报警和机器人的回复。

ILLNESS 是 --list 列出的一个或几个，或者 `all`。机器人看错了就以 1 退出。""",
    "team": "检查值班文件，看谁值班。",
    "team check": """\
检查 FILE（默认 TRIAGE_TEAM）：没有的名字、不对的时间、重叠、今后 14 天没人值班的时段。

`env:名字` 指的变量要在环境里。""",
    "team show": "打印今后 14 天谁值班、哪里没人，群里换过的班也算。",
}
