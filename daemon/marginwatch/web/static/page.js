// Keeps the page up to date. Without it everything still works, by reloading.
"use strict";

(() => {
  const body = document.body;
  const lost = document.getElementById("lost");
  const news = document.getElementById("news");
  const asOf = document.querySelector("footer time");
  let ahead = 0; // milliseconds the server's clock is ahead of this one
  let shown = body.dataset.at ? new Date(body.dataset.at) : null;
  let heard = Date.now();
  let stopped = false;
  let trouble = "";
  let printing = false;

  const clock = (at) => at.toISOString().slice(11, 19) + " UTC";

  function span(seconds) {
    if (seconds < 120) return `${Math.max(0, Math.floor(seconds))} s`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  }

  function showAges() {
    const now = Date.now() + ahead;
    const today = new Date(now).toISOString().slice(0, 10);
    for (const time of document.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (!time.title) time.title = time.textContent;
      const day = at.toISOString().slice(0, 10) === today ? "" : at.toISOString().slice(0, 10) + " ";
      const text = time.className === "age" && !printing ? `${span((now - at) / 1000)} ago` : day + clock(at);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  function showConnection() {
    const silent = Date.now() - heard > 15000;
    if (!body.dataset.live || !(silent || stopped || trouble)) {
      lost.hidden = true;
      return;
    }
    const why = silent
      ? "The connection to marginwatch is lost"
      : trouble || "marginwatch answers but decides nothing";
    const text = `${why}; what you see is as of ${shown ? clock(shown) : "when it was loaded"}.`;
    if (lost.textContent !== text) lost.textContent = text;
    lost.hidden = false;
  }

  function parsed(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html; // made by our own templates, which escape
    return holder.content.firstElementChild;
  }

  // Make `old` say what `fresh` says and keep whatever is the same: a click, the keyboard's place and what was
  // unfolded must outlive a change beside them.
  function become(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id || "") !== (fresh.id || "")) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.nodeName === "TIME" && old.dateTime === fresh.dateTime) return;
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    becomeInside(old, fresh);
  }

  function becomeInside(old, fresh) {
    const known = new Map([...old.children].filter((each) => each.id).map((each) => [each.id, each]));
    let here = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const same = wanted.id && known.get(wanted.id);
      if (same && same !== here) {
        old.insertBefore(same, here);
        here = same;
      }
      if (!here || (here.id && here.id !== wanted.id) || (wanted.id && !same)) {
        old.insertBefore(wanted, here);
      } else {
        const next = here.nextSibling;
        become(here, wanted);
        here = next;
      }
    }
    while (here) {
      const next = here.nextSibling;
      here.remove();
      here = next;
    }
  }

  function show(change) {
    const rows = document.getElementById("accounts");
    let moved = false;
    for (const [id, html] of Object.entries(change.put)) {
      const made = parsed(html);
      const old = document.getElementById(id);
      if (old) {
        moved = moved || old.dataset.rank !== made.dataset.rank;
        become(old, made);
      } else if (made.tagName === "TR" && rows) {
        rows.append(made);
        moved = true;
      }
    }
    for (const id of change.gone) {
      const old = document.getElementById(id);
      if (old) old.remove();
    }
    // A row that somebody is on with the keyboard stays; the others move around it.
    if (moved && rows && !rows.contains(document.activeElement)) {
      const sorted = [...rows.children].sort((a, b) => b.dataset.rank - a.dataset.rank);
      sorted.forEach((row, index) => {
        if (rows.children[index] !== row) rows.insertBefore(row, rows.children[index]);
      });
    }
    if (change.news.length) news.textContent = `New alert. ${change.news.join(". ")}`;
    showAges();
  }

  let loading = false;
  let wanted = false;
  async function reload() {
    if (loading) {
      wanted = true;
      return;
    }
    loading = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected) {
        location.reload();
        return;
      }
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const parts = body.dataset.live === "pieces" ? [fresh.getElementById("main")] : fresh.querySelectorAll("[data-part]");
        for (const part of parts) {
          const old = document.getElementById(part.id);
          if (old) become(old, document.importNode(part, true));
        }
        showAges();
      }
    } catch {
      // The connection is lost: the banner says so.
    }
    setTimeout(() => {
      loading = false;
      if (wanted) {
        wanted = false;
        reload();
      }
    }, 3000);
  }

  function listen() {
    const query = new URLSearchParams({ live: body.dataset.live, number: body.dataset.number || "0" });
    const source = new EventSource(`/events?${query}`);
    const hear = (work) => (event) => {
      const data = JSON.parse(event.data);
      heard = Date.now();
      ahead = new Date(data.now) - heard;
      if (data.at) {
        shown = new Date(data.at);
        if (asOf) asOf.dateTime = asOf.title = data.at;
      }
      trouble = data.trouble;
      stopped = !data.at || new Date(data.now) - shown > 30000;
      if (work) work(data);
      showConnection();
    };
    source.addEventListener("pieces", hear(show));
    source.addEventListener("reload", hear(reload));
    source.addEventListener("beat", hear(null));
    source.addEventListener("touched", hear((data) => {
      const marks = (body.dataset.marks || "").split(" ");
      if (data.touched.some((mark) => marks.includes(mark))) reload();
    }));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) {
        // Refused: too many watch, or the login ended. Look again by reloading.
        setTimeout(async () => {
          await reload();
          listen();
        }, 10000);
      }
    };
  }

  // A login address may carry the token behind its hash, which browsers do not send: put it in and take it away.
  const field = document.getElementById("token");
  function takeToken() {
    if (!field || location.hash.length < 2) return;
    field.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname + location.search);
    field.form.requestSubmit();
  }
  takeToken();
  window.addEventListener("hashchange", takeToken);

  // On paper an age says nothing: print times, and unfold what is folded.
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    printing = true;
    showAges();
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const each of unfolded) each.open = true;
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    showAges();
    for (const each of unfolded) each.open = false;
  });

  showAges();
  if (body.dataset.live && "EventSource" in window) listen();
  setInterval(() => {
    showAges();
    showConnection();
  }, 1000);
})();
