"use strict";

// Pictures in the demo: pasted, dropped or chosen, sent as a push, answered later; what was read is drawn over them.

const LARGEST = 10 * 1024 * 1024;
const LOOK_EVERY = 700;
const GIVE_UP_AFTER = 150_000;
const SVG = "http://www.w3.org/2000/svg";
const chooser = document.getElementById("picture");
const phone = document.querySelector(".phone");

const dataUrl = (file) =>
  new Promise((good, bad) => {
    const reader = new FileReader();
    reader.onload = () => good(reader.result);
    reader.onerror = () => bad(reader.error);
    reader.readAsDataURL(file);
  });

function showPicture(person, url) {
  const row = addRow(true, NAMES[person]);
  row.querySelector(".wire").remove();
  const figure = document.createElement("figure");
  figure.className = "shot";
  const image = document.createElement("img");
  image.src = url;
  image.alt = "发出的图片";
  image.addEventListener("load", () => (talk.scrollTop = talk.scrollHeight));
  figure.append(image);
  row.querySelector(".bubble").replaceChildren(figure);
  return figure;
}

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// Each line where it was read, as wide as it stands in the picture.
function showLines(figure, found) {
  const drawing = svg("svg", { viewBox: `0 0 ${found.width} ${found.height}`, role: "img" });
  drawing.append(svg("title", {}));
  drawing.firstChild.textContent = found.lines.map((line) => line.text).join("\n");
  for (const { text: words, box: [left, top, right, bottom] } of found.lines) {
    const height = bottom - top;
    drawing.append(svg("rect", { x: left, y: top, width: right - left, height, rx: 3 }));
    const line = svg("text", {
      x: left,
      y: bottom - height * 0.22,
      "font-size": height * 0.8,
      textLength: right - left,
      lengthAdjust: "spacingAndGlyphs",
    });
    line.textContent = words;
    drawing.append(line);
  }
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "toggle";
  const show = (read) => {
    figure.classList.toggle("read", read);
    toggle.textContent = read ? "看原图" : "看认出的字";
    toggle.setAttribute("aria-pressed", String(read));
  };
  toggle.addEventListener("click", () => show(!figure.classList.contains("read")));
  show(true);
  figure.append(drawing);
  figure.after(toggle);
}

function showLater(words) {
  const row = addRow(false, "助");
  row.querySelector(".bubble").textContent = words;
  row.querySelector(".wire").remove();
  talk.scrollTop = row.offsetTop - talk.offsetTop - 18;
}

async function ask(path, options) {
  const answer = await fetch(path, options);
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error);
  return result;
}

async function waitForAnswer(person, picture, figure, since) {
  const began = Date.now();
  const progress = document.createElement("p");
  progress.className = "progress";
  progress.setAttribute("role", "status");
  figure.after(progress);
  try {
    while (Date.now() - began < GIVE_UP_AFTER) {
      progress.textContent = `正在读 · ${Math.round((Date.now() - began) / 1000)} 秒`;
      const heard = await ask(`/demo/heard?${new URLSearchParams({ who: person, since, picture })}`);
      if (heard.said.length) {
        if (heard.found) showLines(figure, heard.found);
        heard.said.forEach(showLater);
        return;
      }
      await new Promise((done) => setTimeout(done, LOOK_EVERY));
    }
    showLater("（等了很久也没有读完。发任意字再看。）");
  } finally {
    progress.remove();
  }
}

async function sendPicture(file) {
  if (busy) return;
  const person = who();
  setBusy(true);
  let row = null;
  let waiting = null;
  try {
    const figure = showPicture(person, await dataUrl(file));
    row = showDots();
    if (file.size > LARGEST) throw new Error("图太大，最多 10 MB");
    const { newest } = await ask(`/demo/heard?${new URLSearchParams({ who: person })}`);
    const headers = { "Content-Type": file.type || "application/octet-stream" };
    const result = await ask(`/demo/picture?who=${person}`, { method: "POST", headers, body: file });
    showReply(row, result);
    if (result.reply?.includes("正在读")) waiting = waitForAnswer(person, result.picture, figure, newest);
  } catch (error) {
    row ??= showDots();
    row.querySelector(".bubble").textContent = `没有送到：${error.message}`;
    row.querySelector(".bubble").classList.add("failed");
  } finally {
    setBusy(false);
  }
  await waiting;
}

const pictureIn = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/"));

chooser.addEventListener("change", () => {
  if (chooser.files[0]) sendPicture(chooser.files[0]);
  chooser.value = "";
});
document.addEventListener("paste", (event) => {
  const file = pictureIn(event.clipboardData?.files);
  if (!file) return;
  event.preventDefault();
  sendPicture(file);
});
for (const name of ["dragenter", "dragover"]) {
  phone.addEventListener(name, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    phone.classList.add("dropping");
  });
}
phone.addEventListener("dragleave", (event) => {
  if (!phone.contains(event.relatedTarget)) phone.classList.remove("dropping");
});
phone.addEventListener("drop", (event) => {
  phone.classList.remove("dropping");
  event.preventDefault();
  const file = pictureIn(event.dataTransfer.files);
  if (file) sendPicture(file);
});
