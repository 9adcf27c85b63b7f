// Checks a report in a browser: browser.mjs CHROMIUM PAGE [PICTURE]
import assert from 'node:assert/strict';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [executablePath, page_path, picture] = process.argv.slice(2);
const url = 'file://' + path.resolve(page_path);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
for (const colorScheme of ['light', 'dark']) {
  for (const width of [360, 800, 1400]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const asked = [];
    const errors = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(url);
    const fetched = asked.filter((asked) => asked !== url && !asked.startsWith('data:'));
    assert.deepEqual(fetched, [], 'the page fetched something');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `the page is ${wide} px too wide at ${width}`);
    assert.match(await page.textContent('h1'), /held/);
    const drawings = await page.locator('figure svg.curves').count();
    assert.ok(drawings >= 5, `${drawings} drawings`);
    const first = page.locator('svg.curves').first();
    await first.scrollIntoViewIfNeeded();
    const box = await first.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const tip = page.locator('.tip').first();
    assert.ok(await tip.isVisible(), 'hover shows nothing');
    const said = await tip.textContent();
    assert.match(said, /gil: p[\d.]+ [\d.]+ .?s/);
    assert.match(said, /lock-free: /);
    await page.mouse.move(1, 1);
    assert.ok(!(await tip.isVisible()), 'the tip remains after the pointer has left');
    assert.deepEqual(errors, []);
    if (picture && width === 1400 && colorScheme === 'light') {
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: picture, clip: { x: 0, y: 0, width, height: 1320 }, fullPage: true });
    }
    await context.close();
  }
}
await browser.close();
console.log('the page renders at three widths, light and dark; nothing was fetched; hover works');
