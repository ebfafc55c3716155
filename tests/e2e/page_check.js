{
  violations: async (chosen) => {
    const options = {resultTypes: ["violations"], iframes: false, performanceTimer: false, runOnly: chosen};
    const found = await axe.run(document, options);
    const words = (node) => node.failureSummary.split("\n").slice(1).map((each) => each.trim()).join("; ");
    return found.violations.flatMap((rule) =>
      rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)} (${words(node)})`));
  },
  unfold: () => {
    for (const each of document.querySelectorAll("details")) each.open = true;
    return [];
  },
  beyond: () => {
    const page = document.documentElement;
    const pixels = page.scrollWidth - page.clientWidth;
    if (pixels <= 0) return [];
    const isHeld = (each) => each && (getComputedStyle(each).overflowX !== "visible" || isHeld(each.parentElement));
    const wide = [...document.querySelectorAll("body *")].filter((each) =>
      each.getBoundingClientRect().right > page.clientWidth + 0.5 && !isHeld(each.parentElement));
    return [`${pixels} pixels beyond: ${wide.slice(0, 3).map((each) => each.outerHTML.slice(0, 80)).join(" ")}`];
  },
  moving: () => [...document.querySelectorAll("*")].filter((each) => {
    const style = getComputedStyle(each);
    const spans = `${style.transitionDuration},${style.animationDuration}`.split(",");
    return spans.some((span) => parseFloat(span) > 0);
  }).map((each) => `moves: ${each.outerHTML.slice(0, 80)}`),
  unseenFocus: () => {
    const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]");
    const stops = [...all].filter((each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility());
    const isSeen = (each) => {
      each.focus();
      const style = getComputedStyle(each);
      const box = each.getBoundingClientRect();
      const isDrawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      const isHere = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
      return document.activeElement === each && isDrawn && isHere;
    };
    const found = stops.filter((each) => each.tabIndex > 0 || !isSeen(each));
    const first = stops.length && stops[0].getAttribute("href") === "#main" ? [] : ["no way to skip to the content"];
    return [...first, ...found.map((each) => `focus is not seen: ${each.outerHTML.slice(0, 120)}`)];
  },
}
