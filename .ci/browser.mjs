// Checks pages in a browser: browser.mjs CHROMIUM PICTURE ONE ALL OTHER...
//   PICTURE  where to save a picture of ONE; empty: nowhere
//   ONE      the report of one workload on two heaps
//   ALL      the report of all workloads on two heaps
//   OTHER    pages of other commands
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [executablePath, picture, one, all, ...others] = process.argv.slice(2);
const url = (page) => 'file://' + path.resolve(page);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });

// Opens a page, looks at it, and sees to it that it fetched nothing and failed nowhere.
const visit = async (file, { width, colorScheme = 'light', javaScriptEnabled = true, hash = '' }, look) => {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled });
  const page = await context.newPage();
  const asked = [];
  const errors = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(url(file) + hash);
  await look(page);
  const fetched = asked.filter((asked) => !asked.startsWith(url(file)) && !asked.startsWith('data:'));
  assert.deepEqual(fetched, [], `${file} fetched something`);
  assert.deepEqual(errors, [], file);
  await context.close();
};
const unfold = (page) =>
  page.evaluate(() => document.querySelectorAll('details').forEach((details) => { details.open = true; }));
const fits = async (page, what) => {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${what} is ${wide} px too wide`);
  const traps = await page.evaluate(() => [...document.querySelectorAll('main *')]
    .filter((part) => part.scrollWidth > part.clientWidth + 1
      && ['auto', 'scroll'].includes(getComputedStyle(part).overflowX)).length);
  assert.equal(traps, 0, `${what} has parts that scroll sideways`);
};

const hover = async (page) => {
  const first = page.locator('svg.curves').first();
  await first.scrollIntoViewIfNeeded();
  const box = await first.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  return page.locator('.tip').first();
};

// One workload: what is drawn, what the pointer shows, and heaps that are switched off.
for (const colorScheme of ['light', 'dark']) {
  for (const width of [360, 800, 1400]) {
    await visit(one, { width, colorScheme }, async (page) => {
      await fits(page, `a page of ${width} px`);
      assert.match(await page.textContent('h1'), /held/);
      const drawings = await page.locator('figure svg.curves').count();
      assert.ok(drawings >= 5, `${drawings} drawings`);
      let tip = await hover(page);
      assert.ok(await tip.isVisible(), 'hover shows nothing');
      const said = await tip.textContent();
      assert.match(said, /gil: p[\d.]+ [\d.]+ .?s/);
      assert.match(said, /lock-free: /);
      await page.mouse.move(1, 1);
      assert.ok(!(await tip.isVisible()), 'the tip remains after the pointer has left');

      const drawn = () => page.evaluate(() => [...document.querySelectorAll('svg [data-s]')]
        .filter((shape) => getComputedStyle(shape).display !== 'none').map((shape) => shape.dataset.s));
      const both = await drawn();
      await page.getByLabel('gil').uncheck();
      const left = await drawn();
      assert.ok(left.length > 0 && left.length < both.length && !left.includes('0'), 'gil is still drawn');
      tip = await hover(page);
      assert.doesNotMatch(await tip.textContent(), /gil/);
      await page.getByLabel('gil').check();
      assert.deepEqual(await drawn(), both);

      await page.mouse.move(1, 1);
      if (picture && width === 1400 && colorScheme === 'light') {
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot({ path: picture, clip: { x: 0, y: 0, width, height: 1320 }, fullPage: true });
      }
    });
  }
}

// All workloads: small, with an overview whose links lead somewhere, and nothing to scroll sideways.
const weight = statSync(all).size;
assert.ok(weight <= 400_000, `the page of all workloads takes ${weight} bytes`);
for (const width of [390, 1440]) {
  await visit(all, { width }, async (page) => {
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    assert.ok(height <= 6000, `the page of all workloads is ${height} px high at ${width}`);
    const headings = await page.locator('main h2').allTextContents();
    assert.deepEqual(headings.slice(0, 3), ['Overview', 'Checks', 'Latency']);
    assert.equal(await page.locator('.overview tbody tr').count(), 16);
    assert.equal(await page.locator('.overview td a').count(), 32);
    await page.locator('.overview td a').last().click();
    const opened = await page.evaluate(() => document.querySelectorAll('details.chapter[open]').length);
    assert.equal(opened, 1, 'a cell of the overview leads to its workload');
    await unfold(page);
    await fits(page, `the page of all workloads at ${width}`);
  });
}

// Every page: links lead somewhere, phones need not scroll sideways, and nothing needs the script.
for (const file of [one, all, ...others]) {
  for (const javaScriptEnabled of [true, false]) {
    await visit(file, { width: 390, javaScriptEnabled }, async (page) => {
      assert.equal(await page.locator('meta[name=viewport]').count(), 1, file);
      await fits(page, file);
      const links = await page.locator('a[href^="#"]').evaluateAll((all) => all.map((link) => link.hash.slice(1)));
      assert.ok(links.length > 2, `${file} has links`);
      const dead = await page.evaluate(
        (links) => links.filter((place) => document.querySelectorAll(`[id="${place}"]`).length !== 1), links);
      assert.deepEqual(dead, [], `${file} has links that lead nowhere`);
      if (javaScriptEnabled) await unfold(page);
      await fits(page, `${file}, unfolded`);
      assert.ok((await page.innerText('h1')).length > 0);
      assert.equal(await page.locator('nav input').evaluateAll((all) => all.filter((box) => !box.hidden).length) > 0,
        javaScriptEnabled && (await page.locator('nav input').count()) > 0);
    });
  }
}
await browser.close();
console.log(`${2 + others.length} pages render, light and dark, wide and narrow, with the script and without; `
  + `all workloads take ${weight} bytes; nothing was fetched; hover and switches work`);
