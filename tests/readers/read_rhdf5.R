# Print datasets in C order: Rscript read_rhdf5.R FOLDER LIST. R keeps the order in memory and
# reverses the dimensions.
library(rhdf5)
words <- commandArgs(trailingOnly = TRUE)
cat("version", as.character(packageVersion("rhdf5")), "\n")
for (line in readLines(words[2])) {
    parts <- strsplit(line, " ")[[1]]
    x <- h5read(file.path(words[1], paste0(parts[1], ".h5")), parts[2], bit64conversion = "double")
    cat(parts, if (is.character(x)) x else sprintf("%.17g", as.numeric(x)), "\n")
}
