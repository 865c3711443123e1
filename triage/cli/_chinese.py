"""The catalogue: what commands say in Chinese, by the English words that stand in the code.

The help of a command goes by the command's words; a test holds that nothing is missing and nothing is left over.
"""

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
timeline、traits 或 voided_links。CSV 里会被电子表格当成公式的格子，开头加一个单引号。""",
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
运行服务：微信回调、API、健康检查和指标。

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
MESSAGES: Final[Mapping[str, str]] = {
    # help
    "Usage: ": "用法：",
    "Options": "选项",
    "Commands": "命令",
    "Examples": "例子",
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "[default: ": "[默认 ",
    "Show this message and exit.": "显示这段说明。",
    "Show the version and exit.": "显示版本号。",
    # options
    "A field of the push's XML.": "推送 XML 里的一个字段。",
    "A lead also invites, removes, and says what others see.": "lead 是负责人，还能邀请、移除、定别人看哪些号。",
    "A menu of your own as JSON, '-' for standard input.": "自己的菜单（JSON），'-' 是标准输入。",
    "Allow loopback and private addresses.": "也允许本机和内网地址。",
    "An account whose incidents they see.": "能看哪个号的事件。",
    "An account whose incidents they see. Default: all.": "能看哪个号的事件，默认全部。",
    "Another host that may be called.": "另一个可以去连的主机。",
    "Decides names and addresses.": "决定名字和地址的种子。",
    "Default: safe with an EncodingAESKey, else plain.": "默认：有 EncodingAESKey 是 safe，没有是 plain。",
    "Failures for an alert.": "失败几次报警。",
    "Failures in 5 minutes.": "5 分钟内失败几次就预警。",
    "Go on as a heartbeat.": "隔这么多秒查一次，一直查下去（心跳）。",
    "How long pushes come; 5, for tickets 30.": "推多少分钟；默认 5，ticket 是 30。",
    "How often faster than the clock; by default 200, the demo 45.": "比真实时间快多少倍；默认 200，演示 45。",
    "JSON Lines, or a table for spreadsheets.": "每行一个 JSON，或者给电子表格的 CSV。",
    "KIND is a push of the Open Platform (InfoType).": "KIND 是第三方平台的推送（InfoType）。",
    "List the illnesses.": "列出各种病。",
    "Play the story of a template-message campaign.": "演一遍群发模板消息的故事。",
    "Per second.": "每秒几次。",
    "Print a JSON array of alerts.": "打印报警的 JSON 数组。",
    "Print the alert texts alone, to pipe into `triage ask`.": "只打印报警原文，好接到 `triage ask`。",
    "Print the answer as JSON.": "以 JSON 打印回复。",
    "Print the exchange as JSON.": "以 JSON 打印这一来一回。",
    "Print the report as JSON.": "以 JSON 打印报告。",
    "Print the settings as JSON.": "以 JSON 打印设置。",
    "Print what happened as JSON.": "以 JSON 打印经过。",
    "Push a component_verify_ticket too.": "再推一次 component_verify_ticket。",
    "Pushes per minute; by default the illness's own.": "每分钟推几次；默认看是什么病。",
    "Pushes to time in a row. Default: 20.": "连推多少次来测耗时，默认 20。",
    "Pushes to try. Default: text, subscribe, unsubscribe, CLICK, VIEW, LOCATION, TEMPLATESENDJOBFINISH, unknown_event; for a heartbeat text, CLICK, VIEW, unknown_event.": "试哪些推送。默认 text、subscribe、unsubscribe、CLICK、VIEW、LOCATION、TEMPLATESENDJOBFINISH、unknown_event；心跳是 text、CLICK、VIEW、unknown_event。",
    "The alert to explain; its callback is looked at too.": "要解释的报警；它的回调也看一遍。",
    "Judge this nginx configuration too.": "这份 nginx 配置也判断一遍。",
    "Join the alert with this access log; may be repeated.": "按这份接入层日志说清报警；可以写几次。",
    "--logs needs --alert: the alert says which minutes": "--logs 要和 --alert 一起用：报警说的是哪几分钟",
    "Print text to paste into the chat with the bot.": "打印成可以贴给机器人的文字。",
    "this looks at Linux hosts; elsewhere paste what a tool prints: triage judge": "只能看 Linux 主机；别的系统请把工具的输出贴给 triage judge",
    "the callback is not looked at: {problem}": "回调没有看：{problem}",
    "Print the parts as JSON.": "用 JSON 打印各段的判断。",
    "Read a JSON array of texts; print a JSON array.": "读文本的 JSON 数组，打印 JSON 数组。",
    "Read a JSON array of texts; print a JSON array of answers.": "读文本的 JSON 数组，打印回复的 JSON 数组。",
    "Read a JSON array of texts; print a JSON array of arrays.": "读文本的 JSON 数组，打印数组的 JSON 数组。",
    "Read the text from a file, '-' for standard input.": "从文件读，'-' 是标准输入。",
    "Repeat the push that an alert speaks of, '-' for stdin.": "照报警里说的那次推送再推一次，'-' 是标准输入。",
    "Seconds to read each beat of the demo on a terminal.": "演示在终端上每一幕停几秒。",
    "Serve a heartbeat's metrics on loopback.": "在本机这个端口上提供心跳的指标。",
    "Print the verdict and the counts as JSON.": "用 JSON 打印判断和各项计数。",
    "The alert's text; - reads standard input.": "报警原文的文件，- 是标准输入。",
    "The configuration whose log_format the logs have.": "nginx 配置：日志照它的 log_format 读。",
    "The AppID. Default: TRIAGE_WECHAT_APPID.": "AppID，默认取 TRIAGE_WECHAT_APPID。",
    "The DNS server to compare with, or 'none'.": "拿来对照的 DNS 服务器，或者 none。",
    "The EncodingAESKey. Default: TRIAGE_WECHAT_AES_KEY.": "EncodingAESKey，默认取 TRIAGE_WECHAT_AES_KEY。",
    "The Token. Default: TRIAGE_WECHAT_TOKEN, which others cannot see in `ps`.": "Token，默认取 TRIAGE_WECHAT_TOKEN，那样别人在 `ps` 里看不到。",
    "The account's own id, gh_…; a random one by default.": "公众号的原始 ID（gh_…），默认随机。",
    "The address to listen on (TRIAGE_HOST, 127.0.0.1).": "监听的地址（TRIAGE_HOST，127.0.0.1）。",
    "The fan's OpenID; a random one by default.": "粉丝的 OpenID，默认随机。",
    "The least severity that makes the exit code 1, and a failure in JUnit's XML.": "从多重的问题起以 1 退出，并在 JUnit 的 XML 里算失败。",
    "The port (TRIAGE_PORT, 8080).": "端口（TRIAGE_PORT，8080）。",
    "They see the incidents of every account.": "能看所有号的事件。",
    "Where a heartbeat warns, as JSON; WeCom's robot is known.": "心跳把预警发到哪里（JSON）；认得企业微信的群机器人。",
    "Which account, where TRIAGE_WECHAT_ACCOUNTS lists several.": "哪个号，TRIAGE_WECHAT_ACCOUNTS 里有几个时要写。",
    "Write the report as JUnit's XML.": "把报告写成 JUnit 的 XML。",
    "Write the report as a page.": "把报告写成网页。",
    # mistakes in a command line
    "more: {command} --help": "详细：{command} --help",
    "interrupted": "中断了",
    "one argument too many: {word}": "多了一个参数：{word}",
    "there is no command {name!r}; did you mean {guess!r}?": "没有命令 {name!r}，是不是 {guess!r}？",
    "there is no command {name!r}; --help lists them": "没有命令 {name!r}，--help 里有全部命令",
    "--demo plays a story of its own; only --speed, --threshold, --seed and --pause go with it": "--demo 演的是固定的故事，只能加 --speed、--threshold、--seed、--pause",
    "--field wants NAME=VALUE, not '{name}'": "--field 要写成 名=值，不是“{name}”",
    "--nameserver wants an address like 182.254.116.116 or 10.0.0.2:5353": "--nameserver 要写地址，像 182.254.116.116 或 10.0.0.2:5353",
    "--webhook and --metrics-port belong to a heartbeat; add --every SECONDS": "--webhook 和 --metrics-port 是心跳用的，要加 --every 秒数",
    "a heartbeat sends nothing that leaves traces of followers: leave out {kinds}": "心跳不推会留下粉丝痕迹的：去掉 {kinds}",
    "give TEXT, --file or --batch, not two of them": "TEXT、--file、--batch 只写一个",
    "give a URL, or --from-alert with an alert that holds one": "要写 URL，或者用 --from-alert 给一条带 URL 的报警",
    "name an illness (see --list), or `all`, or --demo": "要写一种病（见 --list），或者 `all`，或者 --demo",
    "no illness is called '{name}'; did you mean '{guess}'?": "没有叫“{name}”的病，是不是“{guess}”？",
    "no illness is called '{name}'; see --list": "没有叫“{name}”的病，见 --list",
    # texts and files
    '--batch wants a JSON array of texts on standard input, like ["…", "…"]': "--batch 要在标准输入里读文本的 JSON 数组，"
    '像 ["…", "…"]',
    "--batch wants a JSON array of texts on standard input: {why}": "--batch 要在标准输入里读文本的 JSON 数组：{why}",
    "cannot read {file}: {why}": "读不了 {file}：{why}",
    "cannot write {file}: {why}": "写不了 {file}：{why}",
    "{file} is no file; save it first: docker logs NAME > access.log": "{file} 不是文件；先存下来：docker logs 容器名 > access.log",
    "{file} needs a library: pip install 'wechat-triage[zstd]'; or unpack it: zstd -d {file}": "读 {file} 还缺一个库：pip install 'wechat-triage[zstd]'；或者先解开：zstd -d {file}",
    "no alert in this text": "这段文字里没有报警",
    "no alert and no question in this text": "这段文字里没有报警，也没有问题",
    "no gap: every alert and every question found a rule": "没有漏的：每条报警、每个问题都找到了规则",
    "nearest: {ids}": "最近：{ids}",
    "Print the gaps as JSON.": "用 JSON 打印。",
    "Rules in place of those of TRIAGE_RULES_DIRS; may be repeated.": "代替 TRIAGE_RULES_DIRS 的规则目录；可以写几次。",
    "no file in {file} ends in .yml or .yaml": "{file} 里没有以 .yml 或 .yaml 结尾的文件",
    "Only alerts of the last days.": "只看最近几天的报警。",
    "{alerts} alerts, {changed} answered otherwise": "{alerts} 条报警，{changed} 条答得不一样",
    "{count} more, in other ways": "另外 {count} 条是别的不一样",
    "Print JSON.": "用 JSON 打印。",
    "Print SARIF, which code hosts show in a review.": "用 SARIF 打印，代码托管平台能把它标在改动旁边。",
    "no output of a tool in this text": "这段文字里没有认得出的工具输出",
    "not understood, at {start}: {words}": "没读懂，从第 {start} 个字起：{words}",
    "paste the alert, then press Ctrl-D:": "把报警贴进来，再按 Ctrl-D：",
    "standard input": "标准输入",
    "the alert does not say which URL failed ([3rdUrl=…]); give it as URL": "报警没说是哪个 URL（[3rdUrl=…]），要自己写 URL",
    "the text is larger than {bytes:,} bytes; at most {characters:,} characters are read, send the alert alone": "文字超过 {bytes:,} 字节；最多读 {characters:,} 个字，只发报警就行",
    "there is no alert in this text to start a rule from": "这段文字里没有报警，写不出规则的开头",
    "there is no alert in {file}": "{file} 里没有报警",
    "rule '{id}' is switched off at {place}": "规则“{id}”在 {place} 关掉了",
    "there is no rule '{id}'; see: triage rules list": "没有规则“{id}”，见 triage rules list",
    "{file} is no JSON: {why}": "{file} 不是 JSON：{why}",
    "{file} is no nginx configuration: no directive of nginx is in it": "{file} 不是 nginx 配置：里面没有 nginx 的指令",
    "{file} is larger than is read: {characters:,} characters, {words:,} words, {includes:,} includes, {depth} blocks or files inside each other": "{file} 太大了：最多读 {characters:,} 个字、{words:,} 个词、{includes:,} 个 include、{depth} 层嵌套",
    "{file}: nothing found": "{file}：没发现问题",
    "Only what reached nobody, or came too late.": "只看没发到的和太晚的。",
    "Print one JSON object for each.": "每条打印一个 JSON。",
    "Print the findings as JSON.": "用 JSON 打印发现。",
    "{file} is no text: it holds NUL bytes": "{file} 不是文本：里面有 NUL 字节",
    # what commands report
    "cannot serve metrics on port {port}: {why}": "端口 {port} 上提供不了指标：{why}",
    "'{appid}' is no AppID: wx and 16 digits or letters": "“{appid}”不是 AppID：wx 加 16 位数字或小写字母",
    "'{name}' is no name that can be read": "“{name}”不是看得见的名字",
    "a member is called '{name}' already; choose another name": "已经有人叫“{name}”了，换个名字",
    "every account": "全部号",
    "give --appid, --all-accounts or --role; the first two not together": "要写 --appid、--all-accounts 或 --role，前两个只写一个",
    "lead, by TRIAGE_MEMBERS": "负责人（TRIAGE_MEMBERS）",
    "no member is called '{name}'; see: triage members list": "没有叫“{name}”的成员，见 triage members list",
    "within a day {name} sends the bot: 加入 {word}": "一天内让 {name} 发给机器人：加入 {word}",
    "{name} is a member by TRIAGE_MEMBERS; change that and restart": "{name} 写在 TRIAGE_MEMBERS 里，改设置后重启",
    "{name} is no member any more": "{name} 不再是成员",
    "caution: {kinds} come from OpenIDs that do not exist; a production callback may keep them as genuine": "注意：{kinds} 来自不存在的 OpenID，生产回调可能当真记下来",
    "nothing was sent": "什么都没推",
    "only what leaves no trace: --kinds {kinds}": "只推不留痕迹的：--kinds {kinds}",
    "pushed {number} buttons to {account}": "{number} 个按钮推给了 {account}",
    "send them?": "推吗？",
    "the database answers and its schema is right": "数据库有回应，表结构也对",
    "the database is that of {file}; restart the service": "数据库已换成 {file}；要重启服务",
    "the database is up to date": "数据库已是最新",
    "the webhook answered {status}": "webhook 回了 {status}",
    "the webhook cannot be reached: {why}": "webhook 连不上：{why}",
    "triage demo, no WeChat account is set\nwhat is sent there stays in {database}; stop with Ctrl-C\n\nopen {address}/": "triage 演示，没有设公众号\n在那里发的留在 {database}；按 Ctrl-C 停\n\n打开 {address}/",
    "triage listens on {address}; the callback is {address}/callback/wechat": "triage 在 {address} 上监听；回调是 {address}/callback/wechat",
    "what was there is now {file}": "原来的现在是 {file}",
    "{file} is a whole copy of the database": "{file} 是数据库的完整副本",
    "{rows} rows older than {days} days are gone": "删掉了 {days} 天以前的 {rows} 行",
    # team
    "TRIAGE_TEAM is not set; name the team's file": "没设 TRIAGE_TEAM；写上值班文件",
    "{people} people, {faults} findings": "{people} 个人，{faults} 处问题",
    "nobody": "没有人",
    "override": "换班",
    "the rotation has not begun": "轮值还没开始",
    "outside its hours": "不在值班时间",
}
