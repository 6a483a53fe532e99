"""The beta distribution over arrays: a report shrinks hundreds of shares, and all of them together cost little more than one."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

Array = np.ndarray
_TINY = 1e-300
_log_gamma = np.frompyfunc(math.lgamma, 1, 1)
_normal_quantile = np.frompyfunc(NormalDist().inv_cdf, 1, 1)


def beta_cdf(x: Array | float, a: Array | float, b: Array | float) -> Array:
    """Regularised incomplete beta function by its continued fraction (DLMF 8.17.22, modified Lentz)."""
    x, a, b = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (x, a, b)))
    inside = (x > 0) & (x < 1)
    found = np.where(x >= 1, 1.0, 0.0)
    if inside.any():
        found[inside] = _cdf(x[inside], a[inside], b[inside], _log_scale(a[inside], b[inside]))
    return found


def beta_quantile(share: Array | float, a: Array | float, b: Array | float) -> Array:
    """The value below which `share` of a Beta(a, b) lies, to the last few digits.

    Newton's steps, from where a normal distribution of the log odds would have it, inside a bracket that every look halves at worst, so
    that neither a pole at an end nor a flat stretch can mislead them.
    """
    share, a, b = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (share, a, b)))
    shape = share.shape
    share, a, b = share.ravel(), a.ravel(), b.ravel()
    scale, found = _log_scale(a, b), _first_guess(share, a, b)
    low, high = np.zeros(len(share)), np.ones(len(share))
    left = np.arange(len(share))
    for _ in range(200):
        x, p, q = found[left], a[left], b[left]
        error = _cdf(x, p, q, scale[left]) - share[left]
        low[left], high[left] = np.where(error < 0, x, low[left]), np.where(error < 0, high[left], x)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            step = x - error / np.exp(scale[left] + (p - 1) * np.log(x) + (q - 1) * np.log1p(-x))
        # The last step may lead a hair's breadth out of the bracket, and is the last one all the same.
        close = np.abs(step - x) <= 1e-15 + 1e-12 * x
        found[left] = np.where(close | ((step > low[left]) & (step < high[left])), step, (low[left] + high[left]) / 2)
        left = left[~close & (np.abs(found[left] - x) > 1e-15 + 1e-12 * x)]
        if not len(left):
            break
    return found.reshape(shape)


def _first_guess(share: Array, a: Array, b: Array) -> Array:
    likely = (share > 0) & (share < 1)
    normal = np.asarray(_normal_quantile(np.where(likely, share, 0.5)), dtype=float)
    guess = 1 / (1 + np.exp(np.clip(-np.log(a / b) - normal * np.sqrt(1 / a + 1 / b), -30, 30)))
    return np.where(likely, guess, a / (a + b))


def _log_scale(a: Array, b: Array) -> Array:
    return (_log_gamma(a + b) - _log_gamma(a) - _log_gamma(b)).astype(float)


def _cdf(x: Array, a: Array, b: Array, scale: Array) -> Array:
    x = np.clip(x, _TINY, 1 - 1e-16)
    # On the far side of the mean the fraction converges only for the other tail.
    far = x >= (a + 1) / (a + b + 2)
    y, p, q = np.where(far, 1 - x, x), np.where(far, b, a), np.where(far, a, b)
    tail = np.exp(scale + a * np.log(x) + b * np.log1p(-x)) * _fraction(y, p, q) / p
    return np.where(far, 1 - tail, tail)


def _fraction(x: Array, a: Array, b: Array) -> Array:
    c, d = np.ones(len(x)), 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 5000):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / _away_from_zero(1 + step * d)
            c = _away_from_zero(1 + step / c)
            value = value * d * c
        if (np.abs(d * c - 1) < 1e-13).all():
            break
    return value


def _away_from_zero(value: Array) -> Array:
    return np.where(np.abs(value) > _TINY, value, _TINY)
