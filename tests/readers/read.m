% Print datasets in C order: octave-cli read.m FOLDER LIST. Octave keeps the order in memory and
% reverses the dimensions. A name with other characters than letters, digits and underscores gets
% underscores, and one that begins with a digit gets one in front.
words = argv();
printf("version %s\n", version());
files = struct();
for line = strsplit(strtrim(fileread(words{end})), "\n")
    parts = strsplit(strtrim(line{1}), " ");
    if !isfield(files, parts{1})
        files.(parts{1}) = load([words{end - 1} "/" parts{1} ".h5"]);
    end
    x = files.(parts{1});
    for name = strsplit(parts{2}, "/")
        field = regexprep(name{1}, "[^A-Za-z0-9_]", "_");
        if isdigit(field(1))
            field = ["_" field];
        end
        x = x.(field);
    end
    printf("%s %s", parts{1}, parts{2});
    if ischar(x)
        printf(" %s", cellfun(@(row) strtok(row, char(0)), cellstr(x), "UniformOutput", false){:});
    else
        printf(" %.17g", x(:));
    end
    printf("\n");
end
exit(0)
