"""Where the sample's provinces and regencies are.

The provinces are real; their regencies are made up and numbered. Each has a square of land in its
province and away from the coast, so that nothing of the sample is in the sea. The squares were
chosen for the sample, from public boundaries and the coastline of GSHHG.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["Place", "draw_place"]

# For each province its code and name, then the squares of its regencies: latitude and longitude of
# the centre, and half the side, in degrees.
_SQUARES = """
11 Aceh
  4.57 97.62 0.17, 3.93 97.37 0.16, 3.4 97.7 0.15, 4.2 96.51 0.14,
  4.83 95.68 0.12, 5.41 95.56 0.12, 4.41 96.99 0.12, 4.39 96.11 0.11
12 Sumatera Utara
  3.67 98.17 0.18, 0.74 99.32 0.17, 1.16 99.84 0.16, 1.99 99.05 0.15,
  2.41 99.78 0.13, 2.81 99.61 0.12, 1.57 99.62 0.1, 2.26 98.52 0.1
13 Sumatera Barat
  0.31 99.56 0.12, -1.48 101.3 0.12, 0.01 100.55 0.12, -2.2 101.07 0.12,
  -1.23 98.83 0.11, -1.1 101.62 0.1, -0.73 101.12 0.1, -1.01 100.88 0.1
14 Riau
  0.21 102.19 0.2, -0.11 103.04 0.2, -0.58 102.33 0.2, 1.61 100.72 0.19,
  0.98 100.46 0.19, 0.27 101.13 0.19, -0.38 101.4 0.17, 0.78 101.8 0.17
15 Jambi
  -1.12 103.04 0.17, -1.7 103.06 0.16, -2.15 102.11 0.16, -1.19 102.2 0.15,
  -1.6 101.92 0.15, -1.55 103.91 0.13, -2.41 102.58 0.12, -1.18 103.69 0.11
16 Sumatera Selatan
  -2.63 103.73 0.2, -3.37 105.48 0.2, -3.12 103.21 0.18, -2.72 104.52 0.14,
  -3.76 103.37 0.14, -2.62 102.98 0.13, -4.67 104.07 0.13, -3.67 103.98 0.13
17 Bengkulu
  -2.79 101.6 0.14, -3.17 101.91 0.13, -4.02 102.63 0.1, -4.72 103.52 0.09,
  -4.38 103 0.08, -3.67 102.4 0.07, -3.19 102.36 0.07, -3.43 102.72 0.06
18 Lampung
  -5.11 105.63 0.14, -4.76 104.84 0.12, -4.49 104.53 0.11, -5.32 104.58 0.11,
  -4.7 105.48 0.11, -4.33 105.42 0.1, -5.05 104.28 0.1, -3.97 105.4 0.08
19 Kepulauan Bangka Belitung
  -2.96 108.03 0.1, -1.89 105.54 0.1, -2.74 106.33 0.1, -1.92 105.96 0.1,
  -2.34 106.1 0.07, -2.74 107.76 0.07
21 Kepulauan Riau
  3.97 108.18 0.08, -0.16 104.58 0.04, 1.05 104.57 0.04
32 Jawa Barat
  -7.17 106.73 0.13, -7.48 107.77 0.11, -6.42 107.72 0.1, -7.6 108.11 0.1,
  -6.81 108 0.09, -7.3 107.13 0.09, -6.53 106.58 0.09, -6.29 107.42 0.08
33 Jawa Tengah
  -7.07 111.41 0.11, -7.12 110.97 0.08, -7.92 110.99 0.08, -7.65 109.62 0.08,
  -6.96 108.9 0.07, -6.78 111.1 0.07, -7.72 109.97 0.07, -7.42 109.17 0.07
34 Yogyakarta
  -7.99 110.62 0.08, -7.69 110.39 0.04, -7.9 110.35 0.03, -7.85 110.14 0.03
35 Jawa Timur
  -8.34 114.14 0.13, -8.21 113.6 0.13, -8.24 112.66 0.11, -7.26 111.74 0.1,
  -6.95 111.9 0.09, -8.13 113.19 0.09, -7.04 112.96 0.08, -7.19 112.29 0.08
36 Banten
  -6.64 106.2 0.14, -6.68 105.76 0.08, -6.15 105.97 0.04, -6.14 106.48 0.04
51 Bali
  -8.39 115.53 0.06, -8.43 115.06 0.06, -8.22 115.07 0.04, -8.25 115.35 0.04,
  -8.31 114.64 0.04
52 Nusa Tenggara Barat
  -8.76 117.37 0.18, -8.91 116.92 0.08, -8.52 116.53 0.07, -8.77 116.29 0.07,
  -8.5 118.38 0.06, -8.65 118.64 0.05, -8.33 116.31 0.04
53 Nusa Tenggara Timur
  -9.96 120.36 0.19, -9.86 124.36 0.15, -9.86 123.88 0.13, -8.68 121.75 0.11,
  -8.62 120.7 0.1, -9.56 119.68 0.1, -8.64 120 0.1, -9.37 124.61 0.1
61 Kalimantan Barat
  -0.33 109.61 0.2, -0.53 111.74 0.2, 0.43 109.79 0.2, 0.84 112.87 0.2,
  -0.2 112.77 0.2, -2.15 110.57 0.2, 0.39 110.57 0.2, 1.41 109.33 0.15
62 Kalimantan Tengah
  0.04 114.22 0.2, -2.76 113.96 0.2, -1.24 113.6 0.2, -1.75 111.44 0.2,
  -0.96 112.87 0.2, -0.99 115.03 0.2, -1.39 114.32 0.2, -2.13 112.8 0.2
63 Kalimantan Selatan
  -3.43 115.67 0.16, -2.9 115.85 0.14, -3.41 115.11 0.13, -3.88 114.81 0.12,
  -2.32 115.65 0.1, -1.75 115.51 0.1, -2.99 115.08 0.08, -3.09 114.69 0.08
64 Kalimantan Timur
  1.02 114.48 0.2, 1 116.67 0.2, -0.4 115.73 0.2, 2.02 117.21 0.2,
  -0.11 116.87 0.2, -1.48 116.04 0.2, -1.24 116.55 0.11
65 Kalimantan Utara
  1.91 115.48 0.2, 2.89 117.05 0.2, 4.03 116.83 0.19, 3.54 116.87 0.08
71 Sulawesi Utara
  0.65 123.92 0.11, 0.75 123.56 0.08, 1.05 124.44 0.06, 1.01 124.72 0.05,
  1.19 124.91 0.05, 0.4 123.63 0.04, 0.65 124.46 0.04, 1.6 125 0.04
72 Sulawesi Tengah
  -1.06 122.38 0.17, -1.54 120.47 0.15, -1.63 121.6 0.14, -1.14 121.6 0.14,
  -1.55 119.91 0.11, 1.03 121.29 0.11, -2.81 121.88 0.09, 0.55 120.94 0.08
73 Sulawesi Selatan
  -2.33 120.09 0.2, -4.7 120.17 0.13, -2.43 120.78 0.11, -3.34 120.22 0.1,
  -3.48 119.88 0.1, -4.02 120.16 0.1, -3.71 119.62 0.08, -5.34 119.77 0.08
74 Sulawesi Tenggara
  -3.35 122.02 0.14, -4.23 122.32 0.13, -4.66 121.85 0.11, -3.46 121.31 0.09,
  -3.89 122.13 0.09, -3.09 121.23 0.08, -3.86 121.44 0.08, -4.13 123.09 0.06
75 Gorontalo
  0.69 121.88 0.14, 0.48 123.34 0.1, 0.64 122.27 0.08, 0.64 122.75 0.07,
  0.86 123.02 0.03
76 Sulawesi Barat
  -2.45 119.44 0.16, -3.3 119.11 0.11, -2.89 119.27 0.11, -1.96 119.51 0.09,
  -1.6 119.53 0.09, -3.01 118.94 0.04
81 Maluku
  -3.12 128.53 0.16, -3.34 130.37 0.16, -3.04 129.51 0.15, -3.34 126.81 0.14,
  -7.53 131.49 0.1, -6.7 134.24 0.09, -3.5 126.32 0.08, -7.8 126.4 0.07
82 Maluku Utara
  1.23 128.44 0.15, 2.27 128.43 0.11, -1.53 127.66 0.1, -1.82 124.51 0.09,
  1.39 127.83 0.09, 1.19 127.53 0.05, 0.56 128.01 0.04
91 Papua
  -2.47 137.8 0.2, -2.67 136.65 0.2, -3.3 140.68 0.2, -3.07 139.94 0.2,
  -2.26 138.9 0.18, -1.01 135.96 0.07, -1.76 136.18 0.05, -0.77 135.63 0.03
92 Papua Barat
  -1.78 133.18 0.2, -3.2 133.09 0.17, -3.35 133.98 0.16, -3.24 134.42 0.11,
  -1.34 133.85 0.1, -0.91 133.76 0.09, -1.64 133.96 0.05
93 Papua Selatan
  -5.27 138.64 0.2, -6.08 139.38 0.2, -5.82 140.43 0.2, -7.63 140.46 0.2
94 Papua Tengah
  -4.5 137.27 0.2, -3.36 137.85 0.16, -3.85 137.49 0.15, -3.18 136.01 0.13,
  -3.57 136.78 0.12, -4.09 135.86 0.12, -3.59 136.23 0.08, -4.22 136.2 0.07
95 Papua Pegunungan
  -4.51 139.54 0.2, -4.71 140.55 0.2, -4.37 138.31 0.18, -3.57 138.48 0.13,
  -3.6 138.97 0.12, -3.85 139.45 0.11, -4.07 138.89 0.09, -3.93 138.44 0.08
96 Papua Barat Daya
  -0.9 133.03 0.2, -0.73 132.41 0.2, -1.41 132.6 0.15, -1.83 132.2 0.12,
  -1.88 130.18 0.09
"""
# The numbers of made-up regencies and cities. No real one has the codes that begin with these.
_REGENCIES, _CITIES = 40, 90
# Where a code names no province.
_NOWHERE = "00"


class Place(NamedTuple):
    """A made-up regency or city of a real province.

    Attributes
    ----------
    name : str
        The name, with or without the word Kabupaten or Kota, as in the real records.
    code : str
        Four digits, the first two of them the province's.
    square : tuple of float
        Latitude, longitude and half the side of a square of land; empty if the province is unknown.
    """

    name: str
    code: str
    square: tuple[float, ...]

    @property
    def bare_name(self) -> str:
        """The name without the word Kabupaten."""
        return self.name.removeprefix("Kabupaten ")

    def draw_point(self, rng: SeededRandom) -> tuple[float, float]:
        """Return latitude and longitude of a point in the square.

        Parameters
        ----------
        rng : SeededRandom
            Source of the draws.
        """
        latitude, longitude, half = self.square
        return (
            rng.number(latitude - half, latitude + half, 6),
            rng.number(longitude - half, longitude + half, 6),
        )


@cache
def _provinces() -> dict[str, tuple[str, list[tuple[float, ...]]]]:
    """Return code and squares of each province."""
    provinces: dict[str, tuple[str, list[tuple[float, ...]]]] = {}
    squares: list[tuple[float, ...]] = []
    for line in _SQUARES.strip().splitlines():
        if line.startswith(" "):
            texts = line.strip(" ,").split(",")
            squares += [tuple(map(float, text.split())) for text in texts]
        else:
            code, name = line.split(" ", 1)
            squares = []
            provinces[name] = (code, squares)
    return provinces


def draw_place(rng: SeededRandom, province: str | None) -> Place:
    """Return a regency or city of a province; some are more common than others.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    province : str or None
        A province, or several with ", " between them: then the place is in the first.
    """
    code, squares = _provinces().get((province or "").split(", ")[0], (_NOWHERE, []))
    number = int((len(squares) or 9) * rng.random() ** 2)
    form = rng.random()
    is_city = 0.62 <= form < 0.68
    full = f"{code}{(_CITIES if is_city else _REGENCIES) + 1 + number}"
    kind = "Kota " if is_city else "Kabupaten " if form < 0.62 else ""
    return Place(f"{kind}Contoh {full}", full, squares[number] if squares else ())
