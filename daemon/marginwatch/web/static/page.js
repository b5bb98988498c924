// Keeps the page up to date. Without it everything still works, by reloading.
"use strict";

(() => {
  const body = document.body;
  const lost = document.getElementById("lost");
  const news = document.getElementById("news");
  let ahead = 0; // milliseconds the server's clock is ahead of this one
  let shown = body.dataset.at ? new Date(body.dataset.at) : null;
  let heard = Date.now();
  let stopped = false;
  let trouble = "";

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
      const text = time.className === "age" ? `${span((now - at) / 1000)} ago` : day + clock(at);
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

  // Where somebody was in what is replaced, so that the keyboard stays there.
  function place() {
    const at = document.activeElement;
    if (!at || at === body) return null;
    const holder = at.closest("[id]");
    return { id: at.id || (holder && holder.id), href: at.getAttribute("href") };
  }

  function back(to) {
    if (!to || (document.activeElement && document.activeElement !== body)) return;
    const holder = document.getElementById(to.id);
    if (!holder) return;
    const inside = to.href ? holder.querySelector(`a[href="${CSS.escape(to.href)}"]`) : null;
    (inside || holder).focus({ preventScroll: true });
  }

  function show(change) {
    const rows = document.getElementById("accounts");
    const at = place();
    let moved = false;
    for (const [id, html] of Object.entries(change.put)) {
      const made = parsed(html);
      const old = document.getElementById(id);
      if (old) {
        moved = moved || old.dataset.rank !== made.dataset.rank;
        old.replaceWith(made);
      } else if (made.tagName === "TR" && rows) {
        rows.append(made);
        moved = true;
      }
    }
    for (const id of change.gone) {
      const old = document.getElementById(id);
      if (old) old.remove();
    }
    if (moved && rows) {
      const sorted = [...rows.children].sort((a, b) => b.dataset.rank - a.dataset.rank);
      sorted.forEach((row, index) => {
        if (rows.children[index] !== row) rows.insertBefore(row, rows.children[index] || null);
      });
    }
    if (change.news.length) news.textContent = `New alert. ${change.news.join(". ")}`;
    showAges();
    back(at);
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
        const at = place();
        for (const part of fresh.querySelectorAll("[data-part]")) {
          const old = document.getElementById(part.id);
          if (old) old.replaceWith(document.importNode(part, true));
        }
        if (body.dataset.live === "pieces") {
          document.getElementById("main").replaceWith(document.importNode(fresh.getElementById("main"), true));
        }
        showAges();
        back(at);
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
      if (data.at) shown = new Date(data.at);
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
  if (field && location.hash.length > 1) {
    field.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname + location.search);
    field.form.requestSubmit();
  }

  showAges();
  if (body.dataset.live && "EventSource" in window) listen();
  setInterval(() => {
    showAges();
    showConnection();
  }, 1000);
})();
