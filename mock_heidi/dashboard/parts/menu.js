// The menu: beside the view, or behind a button on a narrow page.

import { byId, fill, h } from './dom.js';
import { showShortcuts } from './keys.js';

const NARROW = matchMedia('(max-width: 60rem)');

/**
 * Draws the menu.
 *
 * @param {string[][]} views name and label of each
 */
export function drawMenu(views) {
  const links = views.map(([name, label]) => h('a', { href: `#/${name}`, click: closeMenu }, label));
  const help = h('button', { type: 'button', class: 'quiet', click: showShortcuts }, 'Shortcuts ', h('kbd', {}, '?'));
  fill(byId('menu'), ...links, h('a', { class: 'apart', href: 'docs' }, 'Reference'), help);
  button().addEventListener('click', () => (isOpen() ? closeMenu() : openMenu()));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !isOpen() || document.querySelector('dialog[open]')) return;
    closeMenu();
    button().focus();
  });
  // The open menu covers the view.
  byId('main').addEventListener('focusin', closeMenu);
  NARROW.addEventListener('change', closeMenu);
  document.querySelector('[data-skip]')?.addEventListener('click', (event) => {
    event.preventDefault();
    byId('main').focus();
  });
}

function openMenu() {
  document.body.classList.add('menu-open');
  button().setAttribute('aria-expanded', 'true');
  const links = byId('menu').querySelectorAll('a');
  ([...links].find((link) => link.hasAttribute('aria-current')) ?? links[0]).focus();
}

/** Closes the menu of a narrow page. */
export function closeMenu() {
  document.body.classList.remove('menu-open');
  button().setAttribute('aria-expanded', 'false');
}

/**
 * Marks the present view.
 *
 * @param {string} view
 */
export function mark(view) {
  for (const link of byId('menu').querySelectorAll('a')) {
    if (link.getAttribute('href') === `#/${view}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function isOpen() {
  return document.body.classList.contains('menu-open');
}

function button() {
  return /** @type {HTMLElement} */ (document.querySelector('.menu-button'));
}
