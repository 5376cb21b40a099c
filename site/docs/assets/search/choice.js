// The reader's choice of precise mode: a box, what it costs, how far loading is. This browser remembers it.

const KEY = "papertide-precise";

/**
 * Watch over the box.
 * @param {HTMLFormElement} form
 * @param {Worker} worker
 * @param {() => void} changed called when what is shown shall be answered anew
 */
export function preciseChoice(form, worker, changed) {
  const room = /** @type {HTMLElement} */ (form.querySelector(".precise"));
  const box = /** @type {HTMLInputElement} */ (room.querySelector("input"));
  const bar = /** @type {HTMLProgressElement} */ (room.querySelector("progress"));
  const note = /** @type {HTMLElement} */ (room.querySelector("[role=status]"));
  let size = "";
  let begun = false;
  let ready = false;

  function load() {
    if (begun || !box.checked || !size) return;
    begun = true;
    bar.value = 0;
    bar.hidden = false;
    note.textContent = `Loading ${size} …`;
    worker.postMessage({ kind: "precise", on: true });
  }

  function stop() {
    worker.postMessage({ kind: "precise", on: false });
    const answered = ready;
    begun = ready = false;
    bar.hidden = true;
    note.textContent = `It loads ${size} once; this browser keeps it.`;
    if (answered) changed();
  }

  box.addEventListener("change", (event) => {
    event.stopPropagation(); // it is no filter
    remember(box.checked);
    if (box.checked) load();
    else stop();
  });

  return {
    /** Whether the full model is to answer. */
    get on() {
      return ready;
    },

    /**
     * Show the box where the site has a full model for it.
     * @param {{precise: {bytes: number} | null}} manifest
     */
    offer({ precise }) {
      if (!precise) return;
      size = `${Math.round(precise.bytes / 1e6)} MB`;
      bar.max = precise.bytes;
      note.textContent = `It loads ${size} once; this browser keeps it.`;
      box.checked = remembered();
      room.hidden = false;
    },

    /** Load the model if an earlier visit chose it. */
    begin: load,

    /** @param {{stage: "loading" | "ready" | "failed", done?: number}} told what the worker says */
    hear({ stage, done = 0 }) {
      if (!begun) return; // it was unticked meanwhile
      bar.value = done;
      if (stage === "loading") return;
      bar.hidden = true;
      ready = stage === "ready";
      begun = box.checked = ready;
      note.textContent = ready ? "The full model answers." : "It could not be loaded. Check the network, then tick it again.";
      if (ready) changed();
    },
  };
}

/** @param {boolean} chosen */
function remember(chosen) {
  try {
    if (chosen) localStorage.setItem(KEY, "yes");
    else localStorage.removeItem(KEY);
  } catch {
    // a browser that keeps nothing asks again
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}
