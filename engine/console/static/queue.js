// The queue by keyboard, its open task beside it, and what others change. Without this file every link and form works.
"use strict";
(() => {
  const POLL_SECONDS = 20;
  const one = (selector, within = document) => within.querySelector(selector);
  const links = () => [...document.querySelectorAll("#queue .row > a")];
  const rowOf = (node) => node?.closest?.("#queue .row") ?? null;
  const opened = () => one("#detail .sheet");
  const isWide = () => matchMedia("(min-width: 1081px)").matches;
  let last = 0; // Where in the list somebody was, for when the row there has gone.
  let goesOn = false; // Whether the next task is to be opened, because the open one is finished.
  let tag = "";

  const current = () => rowOf(document.activeElement) ?? one("#queue .row[aria-current]") ?? null;
  const mark = (id) => {
    for (const row of document.querySelectorAll("#queue .row")) {
      row.toggleAttribute("aria-current", false);
      if (row.dataset.id === id) row.setAttribute("aria-current", "true");
    }
    document.body.classList.toggle("reading", Boolean(id));
  };
  const address = (id) => {
    const url = new URL(one("#queue").dataset.address, location.origin);
    if (id) url.searchParams.set("task", id);
    return url.pathname + url.search;
  };

  async function open(row, focus = true) {
    last = links().indexOf(one("a", row));
    await htmx.ajax("GET", `/tasks/${encodeURIComponent(row.dataset.id)}?back=${encodeURIComponent(address(""))}`, {
      target: "#detail", swap: "innerHTML",
    });
    history.replaceState(null, "", address(row.dataset.id));
    mark(row.dataset.id);
    if (focus) one("#detail .sheet-title")?.focus({ preventScroll: isWide() });
    if (!isWide()) scrollTo(0, 0);
  }

  function close() {
    const id = opened()?.dataset.id;
    history.replaceState(null, "", address(""));
    mark("");
    const none = document.createElement("p");
    none.className = "none muted";
    none.textContent = "Choose a task to see why it exists, what to do and whom to call.";
    one("#detail").replaceChildren(none);
    const row = id && document.getElementById(`t-${id}`);
    (row ? one("a", row) : links()[last] ?? one("#q")).focus();
  }

  function move(step) {
    const all = links();
    if (!all.length) return;
    const from = all.indexOf(one("a", current() ?? document.createElement("i")));
    const to = Math.max(0, Math.min(all.length - 1, from < 0 ? 0 : from + step));
    all[to].focus();
    all[to].scrollIntoView({ block: "nearest" });
    if (opened() && isWide()) open(all[to].parentElement, false);
  }

  // One of the task's forms: `ready` is given the sheet once it is open.
  async function withSheet(ready) {
    const row = current();
    if (row && opened()?.dataset.id !== row.dataset.id) await open(row, false);
    if (opened()) ready(opened());
  }
  const unfold = (menu) => withSheet((sheet) => {
    const found = one(menu, sheet);
    if (!found) return;
    found.open = true;
    one("button, input:not([type=hidden]), select", found)?.focus();
  });

  function selected() {
    const number = document.querySelectorAll("#queue input[name=task]:checked").length;
    const bar = one("#bulk");
    if (!bar) return;
    bar.classList.toggle("shown", number > 0);
    const give = one(".give", bar);
    if (number && give.hidden) {
      one("select", give).replaceChildren(...[...one("#seek [name=assignee]").options].map((each) => each.cloneNode(true)));
      one("select", give).options[0].textContent = "Give to …";
      one("select", give).selectedIndex = 0;
      give.hidden = false;
    }
    one(".selected", bar).textContent = number ? `${number} selected` : "";
  }

  const keys = {
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    e: () => withSheet((sheet) => {
      const buttons = [...sheet.querySelectorAll("form.complete button")];
      if (buttons.length === 1) buttons[0].click(); else buttons[0]?.focus();
    }),
    s: () => unfold("#menu-snooze"), i: () => unfold("#menu-skip"), a: () => unfold("#menu-give"),
    c: () => withSheet((sheet) => one("form.comment input[name=text]", sheet)?.focus()),
    x: () => { const box = one("input[name=task]", current() ?? document.createElement("i")); if (box) { box.checked = !box.checked; selected(); } },
    u: () => one("#undo button")?.click(),
    r: () => { const bar = one("#changes"); if (bar && !bar.hidden) bar.click(); },
    "/": () => one("#q").focus(),
    "?": () => one("#keys").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
    const isTyping = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
      if (isTyping) event.target.blur();
      if (opened()) close();
      return;
    }
    if (isTyping || !(event.key in keys)) return;
    if (event.key.startsWith("Arrow") && !rowOf(event.target)) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("#queue .row > a");
    if (link) { event.preventDefault(); open(link.parentElement); }
    if (event.target.closest("#detail a.close")) { event.preventDefault(); close(); }
    if (event.target.closest("#show-keys")) one("#keys").showModal();
    if (event.target.closest("#changes")) refresh();
  });
  document.addEventListener("change", (event) => { if (event.target.name === "task") selected(); });

  async function refresh() {
    const from = current()?.dataset.id;
    await htmx.ajax("GET", address(""), { target: "#queue", swap: "outerHTML" });
    const row = from && document.getElementById(`t-${from}`);
    if (row) one("a", row).focus();
    const id = opened()?.dataset.id;
    if (id && document.getElementById(`t-${id}`)) open(document.getElementById(`t-${id}`), false);
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.closest("#detail form, #bulk")) {
      const row = document.getElementById(`t-${opened()?.dataset.id}`) ?? current();
      last = Math.max(0, links().indexOf(row && one("a", row)));
      goesOn = Boolean(event.target.closest("#detail form")) && isWide();
    } else goesOn = false;
  });

  // After something was done: to the row that has moved up into its place, and on a wide screen into its task.
  document.addEventListener("htmx:afterSettle", (event) => {
    tag = "";
    selected();
    if (event.target.id === "detail" && opened()) { one("#detail .fault:not([hidden])")?.focus?.(); return; }
    const by = event.detail.requestConfig;
    if (!by || by.verb !== "post") return;
    history.replaceState(null, "", address(""));
    mark("");
    const next = links()[Math.min(last, links().length - 1)];
    if (!next) { one("#q")?.focus(); return; }
    next.focus();
    if (goesOn) open(next.parentElement, false);
    goesOn = false;
  });

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const form = one("#undo");
    if (event.target.id !== "toast" || !form) return;
    setTimeout(() => { if (form.isConnected) form.closest("#toast").replaceChildren(); }, 1000 * Number(form.dataset.seconds));
  });

  async function look() {
    if (document.hidden || one("dialog[open]")) return;
    const asked = new URLSearchParams(address(opened()?.dataset.id ?? "").split("?")[1] ?? "");
    const answer = await fetch(`/queue/marks?${asked}`, { headers: tag ? { "If-None-Match": tag } : {} }).catch(() => null);
    if (!answer || answer.status !== 200) return;
    tag = answer.headers.get("ETag") ?? "";
    const marks = await answer.json();
    const here = new Map([...document.querySelectorAll("#queue .row")].map((row) => [row.dataset.id, row.dataset.v]));
    const there = new Map(marks.rows);
    const news = [...there].filter(([id, version]) => here.get(id) !== version).length + [...here.keys()].filter((id) => !there.has(id)).length;
    const bar = one("#changes");
    bar.hidden = news === 0;
    bar.textContent = news === 1 ? "1 task has changed. Show" : `${news} tasks have changed. Show`;
    const sheet = opened();
    if (sheet && marks.open && sheet.dataset.v !== marks.open) {
      const told = one("#sheet-changed", sheet);
      told.textContent = "Somebody has changed this task meanwhile; open it again to see what was done.";
      told.hidden = false;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    one("#show-keys").hidden = false;
    document.body.classList.toggle("reading", Boolean(opened()));
    selected();
    setInterval(look, 1000 * POLL_SECONDS);
    document.addEventListener("visibilitychange", look);
    window.tminusLook = look;
  });
})();
