"use strict";

const talk = document.getElementById("talk");
const form = document.getElementById("form");
const text = document.getElementById("text");
const state = document.getElementById("state");
const template = document.getElementById("row-template");
const NAMES = { wang: "王", li: "李", guest: "客" };
const LONG = 260;
let busy = false;

const who = () => document.querySelector("input[name=who]:checked").value;
const chosen = () => fetch("/demo/who", { method: "POST", body: new URLSearchParams({ who: who() }), redirect: "manual" });
for (const choice of document.querySelectorAll("input[name=who]")) choice.addEventListener("change", chosen);
const number = (value) => value.toLocaleString("zh-CN");

function addRow(mine, face) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.classList.toggle("mine", mine);
  row.querySelector(".face").textContent = face;
  talk.append(row);
  return row;
}

function showOwn(person, words) {
  const row = addRow(true, NAMES[person]);
  const bubble = row.querySelector(".bubble");
  bubble.textContent = words;
  row.querySelector(".wire").remove();
  if (words.length > LONG) {
    bubble.classList.add("long");
    bubble.title = "点开看全文";
    bubble.addEventListener("click", () => bubble.classList.toggle("long"));
  }
  talk.scrollTop = talk.scrollHeight;
}

function showDots() {
  const row = addRow(false, "助");
  const dots = document.createElement("span");
  dots.className = "dots";
  dots.append(...Array.from({ length: 3 }, () => document.createElement("i")));
  row.querySelector(".bubble").append(dots);
  row.querySelector(".wire").hidden = true;
  talk.scrollTop = talk.scrollHeight;
  return row;
}

function term(list, name, ...values) {
  const title = document.createElement("dt");
  title.textContent = name;
  list.append(title);
  for (const value of values) {
    const item = document.createElement("dd");
    const code = document.createElement("code");
    code.textContent = value;
    item.append(code);
    list.append(item);
  }
}

function showWire(details, result) {
  const verdict = document.createElement("span");
  verdict.className = result.legal ? "good" : "bad";
  verdict.textContent = result.legal ? "回应合法" : "回应不合法";
  details.querySelector("summary").append(
    verdict,
    ` · ${number(result.ms)} 毫秒 · 密文 ${number(result.sent.bytes)} → ${number(result.received.bytes)} 字节`,
  );
  const list = details.querySelector("dl");
  const query = Object.entries(result.sent.query).map(([name, value]) => `${name}=${value}`);
  term(list, "推送 POST /callback/wechat", query.join("\n"), result.sent.body);
  term(list, `回应 HTTP ${result.status}`, result.received.body);
  if (result.findings.length) term(list, "微信会说", ...result.findings);
  details.hidden = false;
}

function showPiece({ text: words, says }) {
  if (says === null) return words;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words;
  button.addEventListener("click", () => say(says));
  return button;
}

function showReply(row, result) {
  const bubble = row.querySelector(".bubble");
  const nothing = { text: "（回应 success：微信里什么也不显示）", says: null };
  const pieces = result.reply === null ? [nothing] : result.pieces;
  bubble.replaceChildren(...pieces.map(showPiece));
  bubble.classList.toggle("nothing", result.reply === null);
  showWire(row.querySelector(".wire"), result);
  const top = row.previousElementSibling ?? row;
  const fits = row.offsetHeight + top.offsetHeight < talk.clientHeight;
  talk.scrollTop = fits ? talk.scrollHeight : row.offsetTop - talk.offsetTop - 18;
}

function setBusy(value) {
  busy = value;
  state.textContent = value ? "正在看…" : "";
  for (const button of document.querySelectorAll(".sample, .words button, .bubble button, .send")) button.disabled = value;
}

async function send(message) {
  if (busy) return;
  setBusy(true);
  const row = showDots();
  try {
    const answer = await fetch("/demo/send", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(message),
    });
    const result = await answer.json();
    if (!answer.ok) throw new Error(result.error);
    showReply(row, result);
  } catch (error) {
    row.querySelector(".bubble").textContent = `没有送到：${error.message}。服务还在运行吗？`;
    row.querySelector(".bubble").classList.add("failed");
  } finally {
    setBusy(false);
  }
}

function say(words) {
  if (busy || !words.trim()) return;
  const person = who();
  showOwn(person, words);
  send({ who: person, push: "text", text: words });
}

function fitText() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
  text.style.overflowY = text.scrollHeight > text.clientHeight ? "auto" : "hidden";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (busy) return;
  say(text.value);
  text.value = "";
  fitText();
});
text.addEventListener("input", fitText);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.getElementById("words").addEventListener("click", (event) => {
  if (event.target.dataset.word) say(event.target.dataset.word);
});
for (const sample of document.querySelectorAll(".sample")) {
  const alert = sample.querySelector("template").content.textContent;
  sample.addEventListener("click", () => say(alert));
}

send({ who: who(), push: "subscribe" });
