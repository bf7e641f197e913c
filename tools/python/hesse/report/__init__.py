"""Reports of results: figures are described once, and drawn by Plotly in a page or by Matplotlib.

`figure` has the description of a figure, which knows no renderer. `spectra`, `blocks`,
`series` and `others` describe the figures of files. `page` writes the descriptions into one
HTML page, and `paper` draws them for print. `command` is the program `hesse report`.
"""
