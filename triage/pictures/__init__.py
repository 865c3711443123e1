"""Screenshots to text, on this machine alone: an optional extra, `pip install 'wechat-triage[pictures]'`."""
