# Print datasets in C order: julia read.jl FOLDER LIST. Julia keeps the order in memory and
# reverses the dimensions.
using HDF5, Printf
println("version ", pkgversion(HDF5))
for line in eachline(ARGS[2])
    file, path = split(line)
    x = h5open(f -> read(f[path]), joinpath(ARGS[1], "$file.h5"))
    print(file, " ", path)
    for value in (x isa AbstractArray ? vec(x) : [x])
        print(" ", value isa AbstractString ? rstrip(value, '\0') : @sprintf("%.17g", value))
    end
    println()
end
