() => {
  const channels = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = channels(getComputedStyle(each).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const isSeen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).opacity !== "0";
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const words = walker.currentNode.textContent.trim();
    if (!words || !isSeen(element)) continue;
    const ratio = contrast(channels(getComputedStyle(element).color), behind(element));
    if (ratio < 4.5) faint.push([words, ratio]);
  }
  for (const image of document.images) {
    if (contrast(channels(getComputedStyle(image).color), behind(image)) < 4.5) faint.push([image.alt, "alt"]);
  }
  const all = (selector) => [...document.querySelectorAll(selector)];
  const sticksOut = (element) => element.getBoundingClientRect().right > window.innerWidth + 0.5;
  return {
    overflow:
      document.documentElement.scrollWidth - document.documentElement.clientWidth +
      all("body *").filter((each) => isSeen(each) && sticksOut(each)).length,
    faint,
    pictures: [...document.images].map((each) => each.alt),
    language: document.documentElement.lang,
    direction: document.documentElement.dir,
    title: document.title,
    links: all("a").map((each) => each.textContent.trim()),
    tables: all("table").map((each) => each.getAttribute("role")),
    scheme: luminance(behind(document.querySelector(".words"))) < 0.5 ? "dark" : "light",
    smallest_button: Math.min(...all("a.button").map((each) => each.getBoundingClientRect().height)),
  };
}
