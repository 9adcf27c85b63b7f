// Shows the values under the pointer, and lets heaps be switched off. What is under the pointer is
// read off the drawing: the places of a curve's points, and what the drawing says of its axes.
const tip = document.createElement('div');
tip.className = 'tip';
tip.hidden = true;

// As many points a decade have percentile curves; see latency.rs.
const PER_DECADE = 8;
const scaled = (units, step) => (value, digits) => {
  let unit = 0;
  while (value >= step && unit < units.length - 1) { value /= step; unit += 1; }
  return Number(value.toPrecision(digits)) + ' ' + units[unit];
};
const counted = scaled(['', 'k', 'M', 'G', 'T'], 1000);
const SHOW = {
  time: scaled(['ns', 'µs', 'ms', 's'], 1000),
  rate: (value, digits) => counted(value, digits) + '/s',
  objects: counted,
  memory: scaled(['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024),
  rounds: (value) => 'round ' + Math.round(value),
  seconds: (value) => Math.round(value) + ' s',
  times: (value, digits) => '×' + Number(value.toPrecision(digits)),
  share: (value, digits) => Number((value * 100).toPrecision(digits)) + ' %',
  beyond: (value) => {
    const decades = Math.round(Math.log10(value) * PER_DECADE) / PER_DECADE;
    return 'p' + Number((100 - 100 / 10 ** decades).toFixed(Math.floor(decades)));
  },
};

// A function from places to texts, for an axis that lies between two places.
const axis = (told, begin, end) => {
  const [scale, from, to, unit] = told.split(' ');
  return (place) => {
    const at = Number(from) + (place - begin) / (end - begin) * (to - from);
    return scale === 'log' ? SHOW[unit](10 ** at, 2) : SHOW[unit](at, 3);
  };
};

// The points of a path of pieces, each a point and steps from there.
const points = (path) => path.split('M').slice(1).flatMap((piece) => {
  const [x, y, ...steps] = piece.match(/-?\d+/g).map(Number);
  const all = [[x, y]];
  for (let at = 0; at + 1 < steps.length; at += 2) {
    const [before_x, before_y] = all[all.length - 1];
    all.push([before_x + steps[at], before_y + steps[at + 1]]);
  }
  return all;
});

const names = new Map();
const isOff = (shape) => shape.classList.contains('off');

const watch = (svg) => {
  const edges = svg.dataset.e?.split(' ');
  const across = edges && axis(svg.dataset.x, Number(edges[0]), Number(edges[1]));
  const up = edges && axis(svg.dataset.y, Number(edges[3]), Number(edges[2]));
  const name = (shape) => names.get(shape.dataset.s) ?? '';
  const shapes = [...svg.querySelectorAll('[data-s]')].map((shape) => {
    const all = points(shape.querySelector('.l').getAttribute('d'));
    const apart = shape.querySelector('.o');
    if (apart) all.push(points(apart.getAttribute('d'))[0].slice(0, 2));
    return { shape, all, apart };
  });
  const at = document.createElementNS('http://www.w3.org/2000/svg', 'g');
  at.setAttribute('class', 'at');
  if (edges) svg.append(at);

  const ofCurves = (x) => shapes.filter(({ shape }) => !isOff(shape)).flatMap((curve) => {
    const near = curve.all.map(([px]) => Math.abs(px - x));
    const best = near.indexOf(Math.min(...near));
    // Where a curve has ended there is nothing to be told of it.
    if (near[best] > 30) return [];
    const [cx, cy] = curve.all[best];
    const ring = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    for (const [key, value] of Object.entries({ cx, cy, r: 9 })) ring.setAttribute(key, value);
    at.append(ring);
    const isApart = curve.apart && best === curve.all.length - 1;
    const value = isApart ? curve.shape.dataset.a : across(cx) + ' ' + up(cy);
    return [name(curve.shape) + ': ' + value];
  });
  // The table below has a row for each bar: a name, the heap, and figures under their names.
  const table = svg.closest('figure').querySelector('table');
  const heads = edges ? [] : [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  const ofRows = (y) => shapes.flatMap(({ shape, all }, number) => {
    if (isOff(shape) || Math.abs(all[0][1] - y) >= 16) return [];
    const cells = [...table.tBodies[0].rows[number].cells].map((cell) => cell.textContent);
    const told = cells.map((cell, at) => heads[at] + ' ' + cell).slice(2);
    return [cells[1] + ': ' + told.join(', ')];
  });

  const hide = () => { tip.hidden = true; at.textContent = ''; };
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const unit = svg.viewBox.baseVal.width / box.width;
    at.textContent = '';
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const lines = edges ? ofCurves(left * unit) : ofRows(top * unit);
    if (lines.length === 0) return hide();
    svg.parentNode.append(tip);
    tip.textContent = lines.join('\n');
    tip.hidden = false;
    tip.style.left = Math.max(0, Math.min(left + 14, box.width - tip.offsetWidth)) + 'px';
    const above = top - tip.offsetHeight - 10;
    tip.style.top = (above > -40 ? above : top + 16) + 'px';
  };
  svg.addEventListener('pointermove', show);
  svg.addEventListener('pointerdown', show);
  svg.addEventListener('pointerleave', hide);
};

for (const item of document.querySelectorAll('.key[data-s]')) names.set(item.dataset.s, item.textContent);
document.querySelectorAll('.plot svg').forEach(watch);

for (const box of document.querySelectorAll('nav input')) {
  box.hidden = false;
  const apply = () => {
    for (const shape of document.querySelectorAll(`[data-s="${box.value}"]`)) {
      shape.classList.toggle('off', !box.checked);
    }
  };
  box.addEventListener('change', apply);
  // A browser may remember the boxes of a page that is loaded again.
  apply();
}

// Not every browser unfolds what a link leads into.
const unfold = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  const folded = target && target.closest('details');
  if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
};
addEventListener('hashchange', unfold);
unfold();
