"use strict";

const EVERY = 1000;
const LONG = 260;
const NAMES = { wang: "小王", li: "小李", bot: "排查助手", robot: "群机器人" };
const template = document.getElementById("row-template");
const trouble = document.getElementById("trouble");
const chats = new Map([...document.querySelectorAll("[data-chat]")].map((chat) => [chat.dataset.chat, chat]));
let version = 0;
let polling = false;

const who = () => document.querySelector("input[name=who]:checked").value;
const element = (name, words, kind) => Object.assign(document.createElement(name), { textContent: words, className: kind ?? "" });

function cardOf(item) {
  const { main_title: title, horizontal_content_list: lines, button_list: buttons } = item.card;
  const card = element("div", "", "card");
  const list = document.createElement("dl");
  for (const { keyname, value } of lines) list.append(element("dt", keyname), element("dd", value));
  const foot = element("div", "", "buttons");
  if (item.label === null) {
    for (const { text, key } of buttons) {
      const button = Object.assign(element("button", text), { type: "button" });
      button.addEventListener("click", () => post("click", { id: item.id, key }, foot));
      foot.append(button);
    }
  } else foot.append(element("span", item.label, "settled"));
  card.append(element("strong", title.title), list, foot);
  return card;
}

function plain(markdown) {
  const parts = markdown.split(/(`+)(.+?)\1/);
  return parts.map((part, at) => (at % 3 === 2 ? element("code", part) : at % 3 === 1 ? "" : part.replace(/\\(.)/g, "$1")));
}

function fill(bubble, item) {
  bubble.classList.toggle("with-card", item.card !== null);
  if (item.card !== null) return bubble.replaceChildren(cardOf(item));
  const parts = item.mentions.map((name) => element("span", `@${name} `, "mention"));
  if (item.quote !== null) parts.push(element("blockquote", item.quote));
  const isMarkdown = item.chat === "group" && item.sender === "bot";
  bubble.replaceChildren(...parts, ...(isMarkdown ? plain(item.text) : [item.text]));
  if (item.quote?.length > LONG || item.text.length > 2 * LONG) {
    bubble.classList.add("long");
    bubble.title = "点开看全文";
    bubble.onclick = () => bubble.classList.toggle("long");
  }
}

function show(item) {
  const chat = chats.get(item.chat);
  const talk = chat.querySelector(".talk");
  let row = talk.querySelector(`[data-id="${item.id}"]`);
  if (row) return fill(row.querySelector(".bubble"), item);
  talk.querySelector(".empty")?.remove();
  row = template.content.firstElementChild.cloneNode(true);
  row.dataset.id = item.id;
  const mine = item.sender === item.chat || (item.chat === "group" && item.sender === who());
  row.classList.toggle("mine", mine);
  row.querySelector(".face").textContent = { bot: "助", robot: "机" }[item.sender] ?? NAMES[item.sender].slice(-1);
  row.querySelector(".name").textContent = mine ? "" : NAMES[item.sender];
  fill(row.querySelector(".bubble"), item);
  const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  talk.append(row);
  if (atEnd) talk.scrollTop = Math.min(talk.scrollHeight, row.offsetTop - talk.offsetTop - 40);
  if (!mine) mark(item.chat);
}

function mark(name) {
  const tab = document.querySelector(`[data-tab=${name}]`);
  if (tab.getAttribute("aria-selected") === "true") return;
  const badge = tab.querySelector("b");
  badge.textContent = Number(badge.textContent) + 1;
  badge.hidden = false;
}

function say(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

async function look() {
  if (polling) return;
  polling = true;
  try {
    const answer = await fetch(`/demo/duty/news?since=${version}`);
    const { shown } = await answer.json();
    for (const item of shown.sort((one, other) => one.id - other.id)) show(item);
    version = shown.reduce((newest, item) => Math.max(newest, item.version), version);
    say("");
  } catch {
    say("连不上服务：它还在运行吗？");
  } finally {
    polling = false;
  }
}

async function post(what, body, busy) {
  for (const control of busy.querySelectorAll("button")) control.disabled = true;
  try {
    const answer = await fetch(`/demo/duty/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) say((await answer.json()).error);
  } catch {
    say("没有送到：服务还在运行吗？");
  }
  await look();
  for (const control of busy.querySelectorAll("button")) control.disabled = false;
}

for (const [name, chat] of chats) {
  const form = chat.querySelector("form");
  const speak = (text) => post("say", { chat: name, who: name === "group" ? who() : name, text }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = form.elements.text.value.trim();
    form.elements.text.value = "";
    if (text) speak(text);
  });
  form.addEventListener("click", (event) => {
    if (event.target.dataset.word) speak(event.target.dataset.word);
  });
}
const start = document.querySelector(".start");
for (const sample of start.querySelectorAll(".sample")) {
  const quote = sample.querySelector("template").content.textContent;
  sample.addEventListener("click", () => {
    choose("group");
    post("say", { chat: "group", who: who(), text: "", quote }, start);
  });
}

function choose(name) {
  for (const tab of document.querySelectorAll("[data-tab]")) {
    const chosen = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", chosen);
    chats.get(tab.dataset.tab).classList.toggle("chosen", chosen);
    if (chosen) Object.assign(tab.querySelector("b"), { hidden: true, textContent: "" });
  }
}
for (const tab of document.querySelectorAll("[data-tab]")) tab.addEventListener("click", () => choose(tab.dataset.tab));

choose("group");
look();
setInterval(look, EVERY);
