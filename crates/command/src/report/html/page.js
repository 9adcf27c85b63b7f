// Shows the values under the pointer: of curves the nearest point of each, of rows the row's own.
for (const svg of document.querySelectorAll('.plot svg')) {
  const tip = svg.parentNode.querySelector('.tip');
  const at = svg.querySelector('.at');
  const curves = [...svg.querySelectorAll('g.s')].map((g) => ({
    name: g.dataset.n,
    labels: g.dataset.l.split('|'),
    points: [...g.firstElementChild.getAttribute('d').matchAll(/[ML]([\d.]+),([\d.]+)/g)]
      .map((found) => [Number(found[1]), Number(found[2])]),
  })).filter((curve) => curve.points.length > 0);
  const hide = () => { tip.hidden = true; if (at) at.textContent = ''; };
  const draw = (name, attributes) => {
    const shape = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    at.append(shape);
  };
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const unit = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * unit;
    const row = event.target.closest('g.b');
    let lines = [];
    if (row) lines = [row.dataset.n + ': ' + row.dataset.l];
    if (at) {
      at.textContent = '';
      lines = curves.map((curve) => {
        let best = 0;
        curve.points.forEach((point, number) => {
          if (Math.abs(point[0] - x) < Math.abs(curve.points[best][0] - x)) best = number;
        });
        const [cx, cy] = curve.points[best];
        draw('circle', { cx, cy, r: 4 });
        return curve.name + ': ' + curve.labels[best];
      });
    }
    if (lines.length === 0) return hide();
    tip.textContent = lines.join('\n');
    tip.hidden = false;
    const left = event.clientX - box.left + 14;
    tip.style.left = Math.max(0, Math.min(left, box.width - tip.offsetWidth)) + 'px';
    const below = event.clientY - box.top + 16;
    const above = event.clientY - box.top - tip.offsetHeight - 10;
    tip.style.top = (above > -40 ? above : below) + 'px';
  };
  svg.addEventListener('pointermove', show);
  svg.addEventListener('pointerdown', show);
  svg.addEventListener('pointerleave', hide);
}
