// Opens an image with its cells in ImageJ or Fiji: the ROIs in the ROI
// manager, the label image, if there is one, in another window.
//
// In Fiji: drag this file onto the main window, then Run, and choose. From a
// command line, the two with a bar between them:
//     fiji -macro open_in_fiji.ijm "IMAGE|RESULTS"
// IMAGE is the file that was segmented, RESULTS the --out-dir of
//     pace predict IMAGE --checkpoint MODEL.pth --out-dir RESULTS \
//         --format roi,labels

chosen = getArgument();
if (chosen == "") {
    image = File.openDialog("The image that was segmented");
    results = getDirectory("The folder of its results");
} else {
    parts = split(chosen, "|");
    if (parts.length != 2)
        exit("Expected IMAGE|RESULTS, got " + chosen);
    image = parts[0];
    results = parts[1];
}
stem = File.getName(image);
stem = substring(stem, 0, lastIndexOf(stem, "."));
if (endsWith(toLowerCase(stem), ".ome"))
    stem = substring(stem, 0, lengthOf(stem) - 4);
start = results + File.separator + stem;

rois = start + "_rois.zip";
if (!File.exists(rois))
    exit(rois + ": no such file. Segment the image with --format roi,labels " +
         "first.");
open(image);
shown = getTitle();
run("Enhance Contrast", "saturated=0.35");
labels = start + "_labels.tif";
if (File.exists(labels)) {
    open(labels);
    rename("labels of " + shown);
    getMinAndMax(low, high);
    // Of Fiji, and made for labels; plain ImageJ has no such table.
    tables = getList("LUTs");
    for (i = 0; i < tables.length; i++)
        if (tables[i] == "glasbey on dark")
            run("glasbey on dark");
    setMinAndMax(low, high);
    selectWindow(shown);
}
roiManager("reset");
roiManager("open", rois);
roiManager("show all without labels");
print(roiManager("count") + " cells of " + shown);
