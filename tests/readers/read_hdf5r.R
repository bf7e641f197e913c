# Print datasets in C order: Rscript read_hdf5r.R FOLDER LIST.
library(hdf5r)
words <- commandArgs(trailingOnly = TRUE)
cat("version", as.character(packageVersion("hdf5r")), "\n")
for (line in readLines(words[2])) {
    parts <- strsplit(line, " ")[[1]]
    f <- H5File$new(file.path(words[1], paste0(parts[1], ".h5")), "r")
    x <- f[[parts[2]]]$read()
    cat(parts, if (is.character(x)) x else sprintf("%.17g", as.numeric(x)), "\n")
    f$close_all()
}
