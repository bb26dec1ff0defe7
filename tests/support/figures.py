"""What a picture says, for the tests of plots."""

from __future__ import annotations


def said(ax):
    """Return every text on and around the Axes, one a line, each on one line."""
    import matplotlib as mpl

    figure = ax.figure
    figure.canvas.draw()
    return "\n".join(" ".join(text.get_text().split()) for text in figure.findobj(mpl.text.Text))
