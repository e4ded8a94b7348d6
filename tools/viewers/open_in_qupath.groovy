// Adds the cells that were found in the open image as detections, in QuPath
// 0.5 and newer.
//
// Open the image, then Automate > Script editor, open this file, Run, and
// choose the folder of results: the --out-dir of
//     pace predict IMAGE --checkpoint MODEL.pth --out-dir RESULTS \
//         --format geojson
// For all images of a project, write the folder between the quotes below and
// choose Run > Run for project.
import qupath.fx.dialogs.FileChoosers

def results = ''

def server = getCurrentServer()
if (server == null) {
    println 'Open an image first.'
    return
}
def folder = results ? new File(results)
                     : FileChoosers.promptForDirectory('Results', null)
if (folder == null) {
    return
}
def name = new File(server.getURIs().iterator().next().getPath()).getName()
def stem = name.replaceFirst(/(?i)(\.ome)?\.[^.]*$/, '')
def file = new File(folder, stem + '.geojson')
if (!file.isFile()) {
    println "${file}: no such file. Segment the image with " +
            '--format geojson first.'
    return
}
// So that a second run doesn't add the same cells again.
clearDetections()
importObjectsFromFile(file.getPath())
println "${getDetectionObjects().size()} cells of ${name}"
